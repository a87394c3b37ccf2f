"""As SkyDiscover 0.1.0 applies an answer: whole lines exactly, the first hit, blocks that miss are skipped.

https://github.com/skydiscover-ai/skydiscover; code outside the EVOLVE-BLOCKs may be changed.
"""

from __future__ import annotations

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.document import Document
from evaluator.candidates.documents.matching.applied import Applied
from evaluator.candidates.documents.matching.whole_lines import find_blocks, patch, whole_answer


def apply(document: Document, parent: str) -> Applied:
    """Return what SkyDiscover would make of the document, read as it stands, and the parent.

    Raises:
        EplbError: there is no complete block, or the blocks change nothing.
    """
    if not document.is_patch:
        return Applied(whole_answer(document.raw))
    blocks = find_blocks(document.raw)
    if not blocks:
        raise EplbError("the document has no block that skydiscover can see")
    program, _, notes = patch(parent, blocks, loosely=False)
    if program == parent:
        raise EplbError(f"none of the {len(blocks)} blocks changes the parent")
    return Applied(program, notes)
