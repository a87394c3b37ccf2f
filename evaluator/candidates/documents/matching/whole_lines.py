"""What the semantics of OpenEvolve and SkyDiscover have in common: the grammar of blocks, first hits, whole answers."""

from __future__ import annotations

import re
from typing import NamedTuple

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.matching import sequence
from evaluator.candidates.documents.matching.runs import equal_runs
from evaluator.candidates.documents.matching.sequence import Gaps
from evaluator.candidates.documents.matching.work import Work
from evaluator.candidates.documents.text import listed

_OPENING, _DIVIDER, _CLOSING = re.compile("<<<<<<< SEARCH\n"), re.compile("=======\n"), re.compile(">>>>>>> REPLACE")
"""What these two see as markers: a plain newline behind them, and wherever they first occur, also within a line."""


class Patched(NamedTuple):
    """A text with the blocks that matched, how many did, and what is worth saying."""

    text: str
    matched: int
    notes: tuple[str, ...]


def find_blocks(raw: str) -> list[Gaps]:
    """Return the blocks of a document as both frameworks see them."""
    return list(sequence.blocks(raw, _OPENING, _DIVIDER, _CLOSING))


def patch(parent: str, blocks: list[Gaps], *, loosely: bool) -> Patched:
    """Replace the first match of each block in the text so far; blocks without a match are skipped.

    White space at the ends of SEARCH and REPLACE does not count. An empty SEARCH is one empty line, and an empty
    REPLACE leaves one.

    Args:
        parent: the program.
        blocks: in order.
        loosely: whether lines that match nowhere are compared once more, without the white space at their ends.

    Raises:
        EplbError: it takes too much work.
    """
    lines = parent.split("\n")
    bare = [line.rstrip() for line in lines] if loosely else []
    work = Work()
    notes: list[str] = []
    matched = 0
    for number, block in enumerate(blocks, start=1):
        wanted = block.search.rstrip().split("\n")
        places = equal_runs(lines, wanted, work)
        if loosely and not places:
            places = equal_runs(bare, [line.rstrip() for line in wanted], work)
        if not places:
            notes.append(f"block {number} of {len(blocks)} did not match and was skipped")
            continue
        if len(places) > 1:
            where = listed([place + 1 for place in places])
            notes.append(
                f"block {number} is ambiguous: it matches in {len(places)} places, lines {where}; the first was taken"
            )
        span, replacement = slice(places[0], places[0] + len(wanted)), block.replace.rstrip().split("\n")
        lines[span] = replacement
        if loosely:
            bare[span] = [line.rstrip() for line in replacement]
        matched += 1
    return Patched("\n".join(lines), matched, tuple(notes))


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
