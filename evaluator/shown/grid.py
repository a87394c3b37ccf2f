"""A table as texts: what the terminal, LaTeX and others show alike."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from evaluator.shown.words import BREAKS, BREAKS_OF_NUMBERS, MISSING, broken, listed, tone

__all__ = ["MISSING", "Grid", "notes_once"]

GAP, ENDS = 2, 2
"""Blanks between two columns, and at both ends together."""
RULE, RULE_ASCII = "\N{BOX DRAWINGS LIGHT HORIZONTAL}", "-"


@dataclass(frozen=True)
class Grid:
    """A table.

    Args:
        title: above it; none where it is empty.
        header: of the columns.
        rows: of texts, as many as the header has, ``MISSING`` where there is nothing to say; one text alone is the
            heading of the rows that follow.
        left: which columns are set to the left; numbers stand to the right.
        caption: below it, a note a line.
        importance: of the columns; those of the highest number are the first to be left out where there is no room, and
            those of 0 never are. None are left out where this is empty.
        left_out: titles of the columns that were left out.
        elsewhere: how to see them all.
        notes: what a column needs to be said of it, by its title; said only where the column is shown.

    It prints itself on a console of rich, in the width that this has: columns are left out, then cells are broken
    between words. A word is never broken: a console that is too narrow for one is printed beyond.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: frozenset[str]
    caption: str
    importance: Sequence[int] = ()
    left_out: Sequence[str] = ()
    elsewhere: str = "--csv FILE"
    notes: Sequence[tuple[str, str]] = ()

    def fit(self, width: int) -> Grid:
        """Return the table with the columns that fit into a width; those that have to stay may be broken."""
        kept = self._fitting(width) if self.importance else list(range(len(self.header)))
        header = [self.header[c] for c in kept]
        return replace(
            self,
            header=header,
            rows=[row if len(row) == 1 else [row[c] for c in kept] for row in self.rows],
            importance=[self.importance[c] for c in kept] if self.importance else (),
            left_out=[*self.left_out, *(title for c, title in enumerate(self.header) if c not in kept)],
            caption="\n".join(filter(None, [self.caption, *(note for title, note in self.notes if title in header)])),
            notes=(),
        )

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Print the table on a console."""
        yield from self._lines(options.max_width, RULE_ASCII if options.ascii_only else RULE)

    def _lines(self, width: int, rule: str) -> Iterator[Text]:
        if self.title:
            yield from (Text(line, "bold") for line in broken(self.title, width).split("\n"))
            yield Text()
        fitted = self.fit(width)
        widths = fitted._widths(width)
        yield from fitted._laid_out(fitted.header, widths, "bold")
        yield Text(rule * (sum(widths) + GAP * (len(widths) - 1) + 2), "dim")
        for count, row in enumerate(fitted.rows):
            if len(row) == 1:
                yield from [Text()] * (count > 0)
                yield Text(f" {row[0]}", "bold")
            else:
                yield from fitted._laid_out(row, widths)
        yield Text()
        for note in fitted.caption.split("\n") if fitted.caption else ():
            yield from (Text(line, "italic dim") for line in wrapped(note, width))
        if fitted.left_out:
            said = f"left out: {listed(fitted.left_out)}: use a wider terminal, or {self.elsewhere}"
            yield from (Text(line, "italic") for line in wrapped(said, width))

    def _fitting(self, width: int) -> list[int]:
        """Return the columns to show, in order: the important ones, then each that there is still room for."""
        natural = [max(map(cell_len, texts)) for texts in self._columns()]
        kept = [c for c, importance in enumerate(self.importance) if importance == 0]
        room = width - ENDS + GAP - sum(natural[c] + GAP for c in kept)
        for c in sorted(set(range(len(natural))) - set(kept), key=lambda c: self.importance[c]):
            if natural[c] + GAP <= room:
                kept.append(c)
                room -= natural[c] + GAP
        return sorted(kept)

    def _columns(self) -> list[list[str]]:
        return [[self.header[c], *(row[c] for row in self.rows if len(row) > 1)] for c in range(len(self.header))]

    def _least(self, column: int) -> int:
        return max(cell_len(line) for text in self._columns()[column] for line in self._broken(text, column, 1))

    def _broken(self, text: str, column: int, width: int) -> list[str]:
        """Return a cell in lines; those of a name that follow its first are set in, where there is room for that."""
        if text == self.header[column]:
            return broken(text, width).split("\n")
        if self.header[column] not in self.left:
            return broken(text, width, BREAKS_OF_NUMBERS).split("\n")
        first, *more = broken(text, width - GAP if len(text) > width else width, BREAKS[:1]).split("\n")
        lines = [first, *(" " * GAP + line for line in more)]
        return lines if max(map(cell_len, lines)) <= width else broken(text, width).split("\n")

    def _widths(self, width: int) -> list[int]:
        """Return the width of each column; the widest are made narrower until the table fits or cannot get narrower."""
        columns = self._columns()
        widths = [max(map(cell_len, texts)) for texts in columns]
        least = [self._least(c) for c in range(len(columns))]
        too_wide = sum(widths) + GAP * (len(widths) - 1) + ENDS - width
        while too_wide > 0 and widths != least:
            widest = max(range(len(widths)), key=lambda c: (widths[c] > least[c], widths[c]))
            widths[widest] -= 1
            too_wide -= 1
        return [
            max(cell_len(line) for text in texts for line in self._broken(text, c, widths[c]))
            for c, texts in enumerate(columns)
        ]

    def _laid_out(self, row: Sequence[str], widths: Sequence[int], style: str | None = None) -> Iterator[Text]:
        """Yield the lines of a row; its cells begin at its top, and have colours of their own where no style is set."""
        cells = [self._broken(text, c, widths[c]) for c, text in enumerate(row)]
        for number in range(max(map(len, cells))):
            line = Text(" ", style or "")
            for c, cell in enumerate(cells):
                text = cell[number] if number < len(cell) else ""
                blank = " " * (widths[c] - cell_len(text))
                padded = text + blank if self.header[c] in self.left else blank + text
                line.append(" " * GAP if c else "")
                line.append(padded, None if style else tone(row[c]))
            line.rstrip()
            yield line


def wrapped(text: str, width: int) -> list[str]:
    """Return a text in lines that end between words."""
    return textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False)


def notes_once(grids: Iterable[Grid]) -> list[Grid]:
    """Return tables that are shown under each other: a note that several of them have stands under the last alone."""
    said: set[str] = set()
    kept = []
    for grid in reversed(list(grids)):
        notes = [note for note in grid.caption.split("\n") if note not in said]
        said.update(notes)
        kept.append(replace(grid, caption="\n".join(notes)))
    return kept[::-1]
