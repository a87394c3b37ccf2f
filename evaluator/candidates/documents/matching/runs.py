"""Where a run of lines stands in others."""

from __future__ import annotations

from evaluator.candidates.documents.matching.work import PER_PLACE, Work


def equal_runs(lines: list[str], wanted: list[str], work: Work) -> list[int]:
    """Return every place, from 0, at which lines stand exactly as wanted, overlapping ones too.

    Args:
        lines: of the text.
        wanted: one line or more.
        work: what this counts to.

    Raises:
        EplbError: it takes too much work.
    """
    work.spend(len(lines) + 1)
    size = len(wanted)
    places: list[int] = []
    first, last = wanted[0], len(lines) - size
    place = -1
    while True:
        try:
            place = lines.index(first, place + 1, last + 1) if last >= 0 else -1
        except ValueError:
            return places
        if place < 0:
            return places
        work.spend(PER_PLACE + size)
        if lines[place : place + size] == wanted:
            places.append(place)
