"""What an engine made of each document, beside what its author meant: whole lines, found once, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evaluator.candidates.documents.apply import alike
from evaluator.candidates.documents.matching import DEFAULT
from evaluator.candidates.reading import Reader
from evaluator.evolve.imports.left import Left

AS_MEANT, OTHERWISE, ENGINE_ONLY, LOST, NEITHER, NO_DOCUMENT, UNTOLD = (
    "as meant",
    "otherwise",
    "by the engine only",
    "not by the engine",
    "by neither",
    "no document",
    "not told",
)
HOW = {
    AS_MEANT: "the engine made of it what its author meant",
    OTHERWISE: "the engine made another program of it",
    ENGINE_ONLY: "the engine made a program of what is cut off, ambiguous or not for this parent",
    LOST: "the engine made no program of it, though it applies",
    NEITHER: "it does not apply, and the engine made no program of it",
    NO_DOCUMENT: "the document is not kept",
    UNTOLD: "nobody says how it was applied, or what came of it",
}


@dataclass(frozen=True)
class Applied:
    """What became of a document.

    Attributes:
        how: one of ``HOW``.
        why: what kept one of both from applying it, or what was noticed, in a sentence; None where nothing was.
        kept: the program that the engine has; None where it has none.
        meant: the program that was meant; None where the document does not apply, or is not kept.
    """

    how: str
    why: str | None
    kept: str | None
    meant: str | None


def applied_of(
    left: Sequence[Left], initial: str, matching: str | None = None, step: Callable[[str], None] | None = None
) -> list[Applied]:
    """Return what became of each document.

    Args:
        left: what an engine left behind.
        initial: the program that a document changes whose parent is not known.
        matching: how an engine applies documents that does not say so itself; None for not to be known.
        step: called with the name of each.
    """
    sources = {one.name: one.source for one in left}
    with Reader(initial, DEFAULT) as reader:
        found = []
        for one in left:
            found.append(_applied(one, reader, sources, initial, matching))
            if step is not None:
                step(one.name)
    return found


def parent_of(one: Left, sources: Mapping[str, str | None], initial: str) -> str:
    """Return the program that a document changes."""
    return one.parent_source or (sources.get(one.parent) if one.parent else None) or initial


def _applied(
    one: Left, reader: Reader, sources: Mapping[str, str | None], initial: str, matching: str | None
) -> Applied:
    if one.document is None:
        return Applied(NO_DOCUMENT, None, one.source, None)
    parent = parent_of(one, sources, initial)
    meant = reader.apply(one.document, parent, DEFAULT, one.name)
    kept, why = one.source, meant.reason
    if kept is None and one.matching is None:  # no engine's folder: nobody says what came of it
        if matching is None:
            return Applied(UNTOLD, why, None, meant.program)
        engine = reader.apply(one.document, parent, matching, one.name)
        kept, why = engine.program, meant.reason or engine.reason
    if kept is None:
        return Applied(NEITHER if meant.program is None else LOST, why, None, meant.program)
    if meant.program is None:
        return Applied(ENGINE_ONLY, why, kept, None)
    if alike(kept, meant.program):
        return Applied(AS_MEANT, None, kept, kept)
    return Applied(OTHERWISE, meant.notes[0] if meant.notes else None, kept, meant.program)
