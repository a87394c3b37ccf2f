"""A document and a parent give a program, or a reason why not; and what other semantics would have given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eplb_variants.errors import EplbError, unknown
from evaluator.candidates.documents.characters import notes_on_characters
from evaluator.candidates.documents.document import MAX_CHARACTERS, Document, parse_document
from evaluator.candidates.documents.matching import DEFAULT, MATCHINGS, Applied

SAME, SAME_TEXT, ANOTHER, REJECTS, BOTH_REJECT = (
    "the same program",
    "the same program but for white space at line ends",
    "another program",
    "rejects it",
    "rejects it, too",
)
"""What is said of another semantics, ahead of the reason."""
MOST_NOTES = 10
"""On the blocks of one document: one that has thousands must not fill a terminal."""


@dataclass(frozen=True)
class Interpretation:
    """What one semantics makes of a document: a program with notes, or the reason why there is none."""

    program: str | None
    notes: tuple[str, ...] = ()
    reason: str | None = None


def apply_document(document: Document, parent: str, matching: str = DEFAULT) -> Applied:
    """Return the program that a document makes of its parent; nothing is ever applied in part by the default.

    Damaged characters that the document's reader repaired are taken as they stand where the parent has them too.
    What a reader of the program would not see is refused or noted (``characters.py``), under every semantics.

    Args:
        document: the candidate, best read with ``strict=False``, so that a framework may take what it does take
        parent: the program that it changes, with its own line ends
        matching: the semantics, one of ``MATCHINGS``

    Raises:
        EplbError: the document is rejected, as ``NotApplied`` with a line diff where there is one to show; the program
            has characters that are refused; or there is no such semantics.
    """
    _must_be_known(matching)
    applied = _matched(document, parent, matching)
    if len(applied.program) > len(parent) + MAX_CHARACTERS:
        raise EplbError(f"it makes the program longer by more than {MAX_CHARACTERS} characters")
    notes = (*few(applied.notes), *notes_on_characters(applied.program, parent))
    return Applied(applied.program, notes)


def _matched(document: Document, parent: str, matching: str) -> Applied:
    if document.notes and not parent.isascii():
        again = parse_document(document.raw, parent, name=document.name, strict=False)
        if again.notes != document.notes:
            applied = MATCHINGS[matching](again, parent)
            note = "no characters were repaired, for the parent has them too"
            return Applied(applied.program, (*applied.notes, note))
    return MATCHINGS[matching](document, parent)


def few(notes: Sequence[str]) -> tuple[str, ...]:
    """Return notes; of many, the first ones and how many more there are."""
    more = len(notes) - MOST_NOTES
    return tuple(notes) if more <= 0 else (*notes[:MOST_NOTES], f"{more} more notes of this kind")


def compare_matchings(document: Document, parent: str) -> dict[str, Interpretation]:
    """Return what each semantics makes of a document, by name, the default first."""
    return {name: _interpret(document, parent, name) for name in MATCHINGS}


def summarise_matchings(document: Document, parent: str, matching: str = DEFAULT) -> dict[str, str]:
    """Return a sentence on each semantics but the one chosen: same program, another, or rejected and why."""
    _must_be_known(matching)
    interpretations = compare_matchings(document, parent)
    chosen = interpretations.pop(matching)
    return {
        name: _sentence(interpretation, _relation(interpretation, chosen))
        for name, interpretation in interpretations.items()
    }


def other_interpretations(document: Document, parent: str, matching: str = DEFAULT) -> tuple[str, ...]:
    """Return a sentence on each semantics under which something else would have come of the document."""
    _must_be_known(matching)
    interpretations = compare_matchings(document, parent)
    chosen = interpretations.pop(matching)
    return tuple(
        f"under {name}: {_sentence(other, relation)}"
        for name, other in interpretations.items()
        if (relation := _relation(other, chosen)) in (ANOTHER, REJECTS)
    )


def _must_be_known(matching: str) -> None:
    if matching not in MATCHINGS:
        raise unknown("matching", matching, MATCHINGS)


def _interpret(document: Document, parent: str, matching: str) -> Interpretation:
    try:
        applied = _matched(document, parent, matching)
    except EplbError as error:
        return Interpretation(None, reason=str(error))
    return Interpretation(applied.program, few(applied.notes))


def _relation(other: Interpretation, chosen: Interpretation) -> str:
    if other.program is None:
        return BOTH_REJECT if chosen.program is None else REJECTS
    if other.program == chosen.program:
        return SAME
    if chosen.program is not None and alike(other.program, chosen.program):
        return SAME_TEXT
    return ANOTHER


def _sentence(other: Interpretation, relation: str) -> str:
    why = [other.reason] if other.reason else other.notes if relation == ANOTHER else ()
    return f"{relation}: {'; '.join(why)}" if why else relation


def alike(one: str, other: str) -> bool:
    """Whether two programs are the same but for white space at line ends and empty lines at the end."""
    return _bare(one) == _bare(other)


def _bare(program: str) -> list[str]:
    """Return the lines without white space at their ends, and without empty lines at the end of all."""
    return [line.rstrip() for line in program.rstrip().splitlines()]
