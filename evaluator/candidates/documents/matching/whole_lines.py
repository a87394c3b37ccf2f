"""What the semantics of OpenEvolve and SkyDiscover have in common: the grammar of blocks, first hits, whole answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.matching import sequence
from evaluator.candidates.documents.matching.sequence import Gaps
from evaluator.candidates.documents.text import listed

_OPENING, _DIVIDER, _CLOSING = re.compile("<<<<<<< SEARCH\n"), re.compile("=======\n"), re.compile(">>>>>>> REPLACE")
"""What these two see as markers: a plain newline behind them, and wherever they first occur, also within a line."""
Places = Callable[[list[str], list[str]], list[int]]
"""Finds the places, from 0, at which the second argument's lines stand in the first's."""


class Patched(NamedTuple):
    """A text with the blocks that matched, how many did, and what is worth saying."""

    text: str
    matched: int
    notes: tuple[str, ...]


def find_blocks(raw: str) -> list[Gaps]:
    """Return the blocks of a document as both frameworks see them."""
    return list(sequence.blocks(raw, _OPENING, _DIVIDER, _CLOSING))


def patch(parent: str, blocks: list[Gaps], places_of: Places) -> Patched:
    """Replace the first match of each block in the text so far; blocks without a match are skipped.

    White space at the ends of SEARCH and REPLACE does not count. An empty SEARCH is one empty line, and an empty
    REPLACE leaves one.
    """
    lines = parent.split("\n")
    notes: list[str] = []
    matched = 0
    for number, block in enumerate(blocks, start=1):
        wanted = block.search.rstrip().split("\n")
        places = places_of(lines, wanted)
        if not places:
            notes.append(f"block {number} of {len(blocks)} did not match and was skipped")
            continue
        if len(places) > 1:
            where = listed([place + 1 for place in places])
            notes.append(
                f"block {number} is ambiguous: it matches in {len(places)} places, lines {where}; the first was taken"
            )
        lines[places[0] : places[0] + len(wanted)] = block.replace.rstrip().split("\n")
        matched += 1
    return Patched("\n".join(lines), matched, tuple(notes))


def equal_runs(lines: list[str], wanted: list[str]) -> list[int]:
    """Return where lines stand exactly as wanted."""
    size = len(wanted)
    return [first for first in range(len(lines) - size + 1) if lines[first : first + size] == wanted]


def whole_answer(raw: str) -> str:
    """Return the program of an answer that is no patch: its first Python fence, its first fence, or all of it.

    Raises:
        EplbError: there is nothing.
    """
    for fence in (r"```python\n(.*?)```", r"```(.*?)```"):
        if (match := re.search(fence, raw, re.DOTALL)) is not None:
            raw = match.group(1).strip()
            break
    if not raw:
        raise EplbError("the document has no program in it")
    return raw
