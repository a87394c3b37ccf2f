"""A table as texts: what the terminal and LaTeX show alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from evaluator.analysis.statistics import BETTER, WORSE

COLOURS = {BETTER: "green", WORSE: "red", "faster": "green", "slower": "red"}
MISSING = "-"
PAD = 1
"""Spaces after a cell; the box adds one more between two columns, and one at each end."""


@dataclass(frozen=True)
class Grid:
    """A table.

    Args:
        title: above it.
        header: of the columns.
        rows: of texts, as many as the header has; ``MISSING`` where there is nothing to say.
        left: which columns are set to the left; numbers stand to the right.
        caption: below it, what is in it and over what.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: frozenset[str]
    caption: str

    def to_rich(self) -> Table:
        """Return the table for a terminal."""
        table = Table(
            title=escape(self.title),
            title_justify="left",
            title_style="bold",
            box=SIMPLE_HEAD,
            padding=(0, PAD, 0, 0),
            caption=escape(self.caption),
            caption_justify="left",
        )
        for title in self.header:
            table.add_column(escape(title), justify="left" if title in self.left else "right")
        for row in self.rows:
            table.add_row(*[_coloured(text) for text in row])
        return table


def fitting(header: Sequence[str], rows: Sequence[Sequence[str]], importance: Sequence[int], width: int) -> list[int]:
    """Return the columns that fit into a width, in order; those of the highest importance number go first.

    Columns of importance 0 stay, whether they fit or not.
    """

    def needed(columns: Sequence[int]) -> int:
        return sum(max(len(text) for text in (header[c], *(row[c] for row in rows))) + PAD + 1 for c in columns) + 1

    kept = list(range(len(header)))
    while needed(kept) > width and any(importance[c] for c in kept):
        kept.remove(max(kept, key=lambda c: importance[c]))
    return kept


def _coloured(text: str) -> str:
    colour = COLOURS.get(text.rpartition(" ")[2])
    return f"[{colour}]{escape(text)}[/]" if colour else escape(text)
