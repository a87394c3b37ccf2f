"""As CodeEvolve applies an answer: a stripped part of the text, the first hit, within the EVOLVE-BLOCKs.

https://github.com/inter-co/science-codeevolve. Every SEARCH must exist in the parent, yet is replaced in the text so
far: one that an earlier block has removed goes unnoticed there, and is said here.
"""

from __future__ import annotations

import re

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.document import Document
from evaluator.candidates.documents.matching import sequence
from evaluator.candidates.documents.matching.applied import Applied
from evaluator.candidates.documents.matching.substrings import notes_on_match

_OPENING, _DIVIDER, _CLOSING = re.compile(r"<{7}\s*SEARCH"), re.compile("={7}"), re.compile(r">{7}\s*REPLACE")
_START, _END = re.compile("EVOLVE-BLOCK-START"), re.compile("EVOLVE-BLOCK-END")


def apply(document: Document, parent: str) -> Applied:
    """Return what CodeEvolve would make of the document, read as it stands, and the parent.

    An empty SEARCH inserts at the start of the first EVOLVE-BLOCK.

    Raises:
        EplbError: there is no complete block or no EVOLVE-BLOCK, or a SEARCH is in none of them.
    """
    blocks = [
        (block.search.strip(), block.replace.strip())
        for block in sequence.blocks(document.raw, _OPENING, _DIVIDER, _CLOSING)
    ]
    if not blocks:
        raise EplbError("the document has no block that codeevolve can see")
    spans = _spans(parent)
    if not spans:
        raise EplbError("the parent has no EVOLVE-BLOCK")
    homes = [_home(number, search, parent, spans) for number, (search, _) in enumerate(blocks, start=1)]
    parts: list[str] = []
    notes: list[str] = []
    done = 0
    for index, (start, end) in enumerate(spans):
        mine = [number for number, home in enumerate(homes) if home == index]
        before = parent[done:start]
        inside = _replaced(parent[start:end], mine, blocks, "".join([*parts, before]), notes)
        parts += [before, inside]
        done = end
    return Applied("".join([*parts, parent[done:]]), tuple(notes))


def _spans(parent: str) -> list[tuple[int, int]]:
    """Return what lies between the words of the markers, without the white space around it."""
    spans = []
    position = 0
    while (first := _START.search(parent, position)) and (last := _END.search(parent, first.end())):
        inside = parent[first.end() : last.start()]
        start = last.start() - len(inside.lstrip())
        spans.append((start, start + len(inside.strip())))
        position = last.end()
    return spans


def _home(number: int, search: str, parent: str, spans: list[tuple[int, int]]) -> int:
    for index, (start, end) in enumerate(spans):
        if search in parent[start:end]:
            return index
    raise EplbError(f"block {number} is in no EVOLVE-BLOCK of the parent")


def _replaced(inside: str, mine: list[int], blocks: list[tuple[str, str]], before: str, notes: list[str]) -> str:
    """Make the edits of one EVOLVE-BLOCK; ``before`` is the text ahead of it, for the line numbers in the notes."""
    for number in mine:
        search, replace = blocks[number]
        if search not in inside:
            notes.append(f"block {number + 1} is in the parent, but no longer in the text so far, and was skipped")
        elif search:
            notes += notes_on_match(number + 1, search, inside, before)
        inside = inside.replace(search, replace, 1)
    return inside
