"""As OpenEvolve 0.4.0 applies an answer: whole lines, the first hit, blocks that miss are skipped.

https://github.com/algorithmicsuperintelligence/openevolve; with its settings as they are by default, in which code
outside the EVOLVE-BLOCKs may be changed.
"""

from __future__ import annotations

import re

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.document import Document
from evaluator.candidates.documents.matching.applied import Applied
from evaluator.candidates.documents.matching.sequence import Gaps
from evaluator.candidates.documents.matching.whole_lines import find_blocks, patch, whole_answer

MAX_LENGTH = 10_000
"""Characters beyond which OpenEvolve throws a program away, unless its configuration says otherwise."""
_DELIMITER = re.compile(r"^[ \t]*+(<<<<<<< SEARCH|=======|>>>>>>> REPLACE)[ \t]*+\r?$", re.MULTILINE)
_COMPLETE = ["<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"]


def apply(document: Document, parent: str) -> Applied:
    """Return what OpenEvolve would make of the document, read as it stands, and the parent.

    Raises:
        EplbError: a delimiter line is outside a block or one too many within, no block matches, or nothing changes.
    """
    if document.is_patch:
        blocks = _blocks(document.raw)
        program, matched, notes = patch(parent, blocks, loosely=True)
        if not matched:
            raise EplbError(f"none of the {len(blocks)} blocks matches the parent")
    else:
        program, notes = whole_answer(document.raw), ()
    if program == parent:
        raise EplbError("the program would be the parent unchanged")
    if len(program) > MAX_LENGTH:
        notes = (
            *notes,
            f"openevolve rejects a program of more than {MAX_LENGTH} characters unless configured otherwise",
        )
    return Applied(program, notes)


def _blocks(raw: str) -> list[Gaps]:
    blocks = find_blocks(raw)
    end = 0
    for block in blocks:
        _no_delimiter(raw[end : block.start])
        if _DELIMITER.findall(raw[block.start : block.end]) != _COMPLETE:
            raise EplbError("a block has a delimiter line too many or too few")
        end = block.end
    _no_delimiter(raw[end:])
    if not blocks:
        raise EplbError("the document has no block that openevolve can see")
    return blocks


def _no_delimiter(text: str) -> None:
    if (match := _DELIMITER.search(text)) is not None:
        raise EplbError(f"a delimiter line stands outside a complete block: {match[1]!r}")
