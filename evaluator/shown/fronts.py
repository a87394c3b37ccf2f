"""The front of a search, in training and held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evaluator.analysis.paired import Paired, paired
from evaluator.searching.measuring import Worth
from evaluator.searching.study import NAMES, REFERENCE, OnFront
from evaluator.shown.grid import Grid
from evaluator.shown.words import MISSING, number

HEADER = ("variant", "next", "time", "moved", "held out", f"vs {REFERENCE}", "verdict", "composition")
IMPORTANCE = (0, 0, 0, 0, 1, 1, 1, 2)
CAPTION = (
    "next, time, moved: balancedness of GPUs on the next window, CPU time over {reference}'s and share of slots moved, "
    "on the training part; none is worse than another in all three\n"
    "held out: next on traces that the search has not seen; vs {reference}: difference there, with its 95% interval"
)
HeldOut = tuple[Worth, list[Worth]]
"""What the reference is worth on the held-out part, and what the members of a front are."""


def front_grid(members: Sequence[OnFront], held_out: HeldOut | None) -> Grid:
    """Return a row for each member of a front, the best balance first."""
    rows = [_cells(member, values) for member, values in zip(members, _values(members, held_out), strict=True)]
    left = frozenset({"variant", "verdict", "composition"})
    return Grid("", HEADER, rows, left, CAPTION.format(reference=REFERENCE), IMPORTANCE, elsewhere="--json")


def front_values(members: Sequence[OnFront], held_out: HeldOut | None) -> dict[str, Any]:
    """Return the same as plain values, with the compositions."""
    made = [
        value | {"config": member.config} for member, value in zip(members, _values(members, held_out), strict=True)
    ]
    return {"schema_version": 1, "reference": REFERENCE, "front": made}


def _cells(member: OnFront, values: dict[str, Any]) -> list[str]:
    form = "{difference:+.4f} [{low:+.4f}, {high:+.4f}]"
    return [
        f"found_{member.number:04d}",
        number(values["next"]),
        f"{values['time']:.2f}",
        f"{values['moved']:.0%}",
        number(values.get("held_out")),
        form.format(**values) if "verdict" in values else MISSING,
        values.get("verdict", MISSING),
        member.composition,
    ]


def _values(members: Sequence[OnFront], held_out: HeldOut | None) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for place, member in enumerate(members):
        values = dict(zip(NAMES, member.values, strict=True))
        told: dict[str, Any] = {"number": member.number, **values}
        if held_out is not None:
            base, worths = held_out
            found: Paired = paired(worths[place].next, base.next)
            told |= {"held_out": worths[place].mean, "held_out_moved": worths[place].moved}
            told |= {"held_out_time": worths[place].seconds, "verdict": found.verdict}
            told |= {"difference": found.difference.value, "low": found.difference.low, "high": found.difference.high}
        made.append(told)
    return made
