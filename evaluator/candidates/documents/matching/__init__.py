"""Semantics of SEARCH/REPLACE: the project's own and those of four frameworks, one file each.

Each is a function ``apply(document, parent)`` that returns ``Applied`` or raises ``EplbError``, and nothing in between.
"""

from __future__ import annotations

from collections.abc import Callable

from evaluator.candidates.documents.document import Document
from evaluator.candidates.documents.matching import codeevolve, exact_line, openevolve, shinka, skydiscover
from evaluator.candidates.documents.matching.applied import Applied, NotApplied

__all__ = ["DEFAULT", "MATCHINGS", "Applied", "Matching", "NotApplied"]

Matching = Callable[[Document, str], Applied]

DEFAULT = "exact-line"
MATCHINGS: dict[str, Matching] = {
    DEFAULT: exact_line.apply,
    "openevolve": openevolve.apply,
    "shinka": shinka.apply,
    "skydiscover": skydiscover.apply,
    "codeevolve": codeevolve.apply,
}
"""By the names that the command line knows them."""
