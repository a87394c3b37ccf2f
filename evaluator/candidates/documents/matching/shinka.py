"""As ShinkaEvolve (shinka-evolve 0.0.7) applies an answer: parts of lines, the first hit, within the EVOLVE-BLOCKs.

https://github.com/SakanaAI/ShinkaEvolve. White space at line ends is dropped everywhere, also from the parent, and with
it the final newline. An empty REPLACE does not end its block: it goes on to the end of the next one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.document import Document
from evaluator.candidates.documents.matching.applied import Applied
from evaluator.candidates.documents.matching.shinka_blocks import blocks
from evaluator.candidates.documents.matching.shinka_markers import is_mutable, mutable_spans, without_marker_lines
from evaluator.candidates.documents.matching.shinka_rewrite import rewrite
from evaluator.candidates.documents.matching.substrings import notes_on_match
from evaluator.candidates.documents.matching.work import CHARACTERS, PER_MARKER, PER_PLACE, Work

_SWALLOWED = re.compile(r"^[^\S\n]*+(<{7}\s*+SEARCH|={7})$", re.MULTILINE)
"""A marker line within a REPLACE."""


def apply(document: Document, parent: str) -> Applied:
    """Return what ShinkaEvolve would make of the document, read as it stands, and the parent.

    Raises:
        EplbError: a SEARCH is not found or found first outside the EVOLVE-BLOCKs, there is no complete block, a whole
            program has no Python fence, or it takes too much work.
    """
    program, notes = _patched(document.raw, parent) if document.is_patch else (rewrite(document.raw, parent), [])
    for marker in ("EVOLVE-BLOCK-START", "EVOLVE-BLOCK-END"):
        if marker not in program:
            raise EplbError(f"the program has no {marker}")
    return Applied(program, tuple(notes))


def _patched(raw: str, parent: str) -> tuple[str, list[str]]:
    text = _without_trailing(parent)
    patch = without_marker_lines(_without_trailing(raw))
    work = Work()
    notes: list[str] = []
    number = 0
    for number, parts in enumerate(blocks(patch), start=1):
        search, replace = (_without_trailing(without_marker_lines(part)) for part in parts)
        if _SWALLOWED.search(replace):
            notes.append(
                f"block {number} has an empty REPLACE, swallowed the next block, and put its markers in the program"
            )
        text, more = _with_block(text, number, search, replace, work)
        notes += more
    if number == 0:
        raise EplbError("the document has no block that shinka can see")
    return text, notes


def _with_block(text: str, number: int, search: str, replace: str, work: Work) -> tuple[str, list[str]]:
    work.search(text, search)
    work.spend(PER_MARKER * text.count("EVOLVE-BLOCK-"))
    spans = mutable_spans(text)
    if not search.strip():
        if not spans:
            raise EplbError(f"block {number} has an empty SEARCH, and the parent no EVOLVE-BLOCK to insert into")
        end = spans[-1][1]
        return text[:end] + replace + text[end:], [f"block {number} has an empty SEARCH and was put in at the end"]
    found = next(_candidates(search, text, work), None)
    if found is None:
        raise EplbError(f"block {number} is not in the parent")
    place = text.find(found)
    if not is_mutable((place, place + len(found)), spans):
        raise EplbError(f"block {number} is first found outside the EVOLVE-BLOCKs")
    notes = notes_on_match(number, found, text, work)
    if found != search:
        work.spend(replace.count("\n") * (len(_indent(found)) // CHARACTERS + 1))
        replace = _indented(replace, _indent(found))
        notes.append(f"block {number} did not match as it stands and was re-indented")
    return text[:place] + replace + text[place + len(found) :], notes


def _candidates(search: str, text: str, work: Work) -> Iterator[str]:
    """Yield the spellings of a SEARCH that are in the text: its own, then those indented as a line there is."""
    if search in text:
        yield search
    lines = search.splitlines()
    first = lines[0].strip()
    if not first:
        return
    work.spend(PER_PLACE * text.count("\n"))
    indents = dict.fromkeys(_indent(line) for line in text.splitlines() if line.strip() == first)
    for indent in indents:
        work.search(text, search)
        work.spend(len(lines) * (PER_PLACE + len(indent) // CHARACTERS))
        spelling = "\n".join([indent + first, *_deeper(lines[1:], indent)])
        if spelling in text:
            yield spelling


def _indented(replace: str, indent: str) -> str:
    return "\n".join(_deeper(replace.splitlines(), indent)) if replace.strip() else replace


def _deeper(lines: list[str], indent: str) -> list[str]:
    """Return lines with an indentation ahead of their own, of which tabs become single spaces."""
    return [indent + " " * len(_indent(line)) + line.strip() if line.strip() else "" for line in lines]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _without_trailing(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines())
