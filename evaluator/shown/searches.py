"""What a search found, as a table and as values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eplb_variants.errors import printable
from evaluator.analysis.columns import HEADLINE
from evaluator.evolve.reporting import Found, History, Step
from evaluator.shown.grid import Grid
from evaluator.shown.words import MISSING, interval_of, number, yes_or_no

HEADER = ("program", "score", "vs seed, training", "held out", "place there", "confirmed", "moved", "asked", "engine")
IMPORTANCE = (0, 2, 0, 0, 3, 0, 4, 5, 6)
CAPTION = (
    "program: its number among the distinct ones, by when it was asked about first\n"
    "vs seed: difference to the seed program in balancedness of GPUs on the next window, with its 95% interval; of the "
    "best of many it says too much in training\n"
    "held out: the same on traces that the search has not seen, and the place by it; confirmed: whether it holds there "
    "beyond what a search finds by luck"
)


def report_grid(chosen: Sequence[Found]) -> Grid:
    """Return the programs that were held against the held-out part."""
    there = sorted((_there(found) for found in chosen), reverse=True)
    cells = [_cells(found, 1 + there.index(_there(found))) for found in chosen]
    return Grid("", HEADER, cells, frozenset({"confirmed", "engine"}), CAPTION, IMPORTANCE, elsewhere="--json")


def lineage_lines(steps: Sequence[Step]) -> list[str]:
    """Return what each step of a lineage did, in lines, the last one first."""
    lines = ["lineage of the best, and what each step did to its parent:"] if steps else []
    for one in steps:
        idea = f" ({printable(one.child.idea)})" if one.child.idea else ""
        did = "not judged whole" if one.paired is None else f"{one.paired.difference.text('+.4f')} {one.verdict}"
        lines.append(f"  #{one.child.number} of #{one.parent.number}{idea}: {did}")
    return lines


def in_words(history: History) -> str:
    """Return what is on record, in a line."""
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in history.verdicts.items()) or "none"
    words = f"{history.asked} questions about {len(history.programs)} programs: {verdicts}"
    if history.failures:
        words += "; the bench failed: " + ", ".join(f"{count} {kind}" for kind, count in history.failures.items())
    return words + (f"; {history.unread} lines of the record cannot be read" if history.unread else "")


def report_values(history: History, chosen: Sequence[Found], steps: Sequence[Step] = ()) -> dict[str, Any]:
    """Return the same as plain values: what was asked and found, the best programs, and every program in order."""
    return {
        "schema_version": 1,
        "asked": history.asked,
        "verdicts": history.verdicts,
        "failures": history.failures,
        "best": [
            _values(found)
            | {
                "held_out_difference": found.row.get("held_out_difference"),
                "held_out_low": found.row.get("held_out_difference_low"),
                "held_out_high": found.row.get("held_out_difference_high"),
                "confirmed": found.row.get("confirmed"),
            }
            for found in chosen
        ],
        "lineage": [
            {
                "program": one.child.key,
                "parent": one.parent.key,
                "idea": one.child.idea,
                "difference": None if one.paired is None else one.paired.difference.value,
                "verdict": one.verdict,
            }
            for one in steps
        ],
        "programs": [_values(found) for found in history.programs],
    }


def _values(found: Found) -> dict[str, Any]:
    metrics = found.answer["metrics"]
    ends = {end: metrics.get(f"difference{suffix}") for end, suffix in (("low", "_low"), ("high", "_high"))}
    told = {"verdict": found.answer["verdict"], "score": found.score, "difference": metrics.get("difference"), **ends}
    where = {"at": found.at, "engine": found.engine, "parent": found.parent, "asked": found.asked}
    return {"number": found.number, "program": found.key, **told, **where}


def _there(found: Found) -> float:
    """Return the difference on the held-out part that a place is given by."""
    value = found.row.get("held_out_difference")
    return float("-inf") if value is None else float(value)


def _cells(found: Found, place: int) -> list[str]:
    return [
        f"#{found.number}",
        number(found.score),
        interval_of(found.row, f"{HEADLINE}_difference", "+.4f"),
        interval_of(found.row, "held_out_difference", "+.4f"),
        str(place),
        yes_or_no(found.row.get("confirmed")),
        number(found.row.get("moved_slots"), ".0%"),
        str(found.asked),
        found.engine or MISSING,
    ]
