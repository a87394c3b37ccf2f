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
from evaluator.candidates.documents.matching.work import Work

_OPENING, _DIVIDER, _CLOSING = re.compile(r"<{7}\s*+SEARCH"), re.compile("={7}"), re.compile(r">{7}\s*+REPLACE")
_START, _END = re.compile("EVOLVE-BLOCK-START"), re.compile("EVOLVE-BLOCK-END")


def apply(document: Document, parent: str) -> Applied:
    """Return what CodeEvolve would make of the document, read as it stands, and the parent.

    An empty SEARCH inserts at the start of the first EVOLVE-BLOCK.

    Raises:
        EplbError: there is no complete block or no EVOLVE-BLOCK, a SEARCH is in none of them, or there is too much to
            compare.
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
    work = Work()
    homes = [_home(number, search, parent, spans, work) for number, (search, _) in enumerate(blocks, start=1)]
    mine: list[list[int]] = [[] for _ in spans]
    for number, home in enumerate(homes):
        mine[home].append(number)
    parts: list[str] = []
    notes: list[str] = []
    done, line = 0, 1
    for numbers, (start, end) in zip(mine, spans, strict=True):
        before = parent[done:start]
        line += before.count("\n")
        inside = _replaced(parent[start:end], numbers, blocks, line, notes, work)
        line += inside.count("\n")
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


def _home(number: int, search: str, parent: str, spans: list[tuple[int, int]], work: Work) -> int:
    for index, (start, end) in enumerate(spans):
        inside = parent[start:end]
        work.search(inside, search)
        if search in inside:
            return index
    raise EplbError(f"block {number} is in no EVOLVE-BLOCK of the parent")


def _replaced(
    inside: str, mine: list[int], blocks: list[tuple[str, str]], first_line: int, notes: list[str], work: Work
) -> str:
    """Make the edits of one EVOLVE-BLOCK, whose first line has that number in the program."""
    for number in mine:
        search, replace = blocks[number]
        work.search(inside, search)
        if search not in inside:
            notes.append(f"block {number + 1} is in the parent, but no longer in the text so far, and was skipped")
        elif search:
            notes += notes_on_match(number + 1, search, inside, work, first_line)
        inside = inside.replace(search, replace, 1)
    return inside
