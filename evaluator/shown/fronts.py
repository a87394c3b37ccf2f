"""The front of a search, in training and held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evaluator.analysis.paired import Paired, paired
from evaluator.searching.measuring import Worth
from evaluator.searching.study import NAMES, REFERENCE, Beside, OnFront
from evaluator.shown.grid import Grid
from evaluator.shown.words import MISSING, number

HEADER = ("variant", "next", "time", "moved", "held out", f"vs {REFERENCE}", "verdict", "composition")
IMPORTANCE = (0, 0, 0, 0, 1, 1, 1, 2)
CAPTION = (
    "next, time, moved: balancedness of GPUs on the next window, CPU time over {reference}'s and share of slots moved, "
    "on the training part; none is worse than another in all three\n"
    "held out: next on traces that the search has not seen; vs {reference}: difference there, with its 95% interval"
)
SHIPPED_HEADER = ("shipped variant", "next", "time", "moved", "no worse", "why it is none here")
SHIPPED_IMPORTANCE = (0, 0, 0, 0, 0, 1)
SHIPPED_CAPTION = (
    "on the training part, as in the search; no worse: the member of the front with the best balance that is worse in "
    "none of the three, times within a twentieth"
)
HeldOut = tuple[Worth, list[Worth]]
"""What the reference is worth on the held-out part, and what the members of a front are."""


def front_grid(members: Sequence[OnFront], held_out: HeldOut | None) -> Grid:
    """Return a row for each member of a front, the best balance first."""
    rows = [_cells(member, values) for member, values in zip(members, _values(members, held_out), strict=True)]
    left = frozenset({"variant", "verdict", "composition"})
    return Grid("", HEADER, rows, left, CAPTION.format(reference=REFERENCE), IMPORTANCE, elsewhere="--json")


def shipped_grid(shipped: Sequence[Beside]) -> Grid:
    """Return a row for each shipped variant beside a front."""
    left = frozenset({SHIPPED_HEADER[0], SHIPPED_HEADER[4], SHIPPED_HEADER[5]})
    rows = [_shipped_cells(one) for one in shipped]
    return Grid("", SHIPPED_HEADER, rows, left, SHIPPED_CAPTION, SHIPPED_IMPORTANCE, elsewhere="--json")


def _shipped_cells(one: Beside) -> list[str]:
    if one.values is None:
        return [one.name, *[MISSING] * 4, one.why]
    return [one.name, *_three(one.values), MISSING if one.by is None else _called(one.by), ""]


def _called(member: OnFront) -> str:
    return f"found_{member.number:04d}"


def _three(values: Sequence[float]) -> list[str]:
    """Return balance, time and moved slots in words."""
    balance, time, moved = values
    return [number(balance), f"{time:.2f}", f"{moved:.0%}"]


def front_values(
    members: Sequence[OnFront], held_out: HeldOut | None, shipped: Sequence[Beside] | None = None
) -> dict[str, Any]:
    """Return the same as plain values, with the compositions."""
    made = [
        value | {"config": member.config} for member, value in zip(members, _values(members, held_out), strict=True)
    ]
    values: dict[str, Any] = {"schema_version": 1, "reference": REFERENCE, "front": made}
    return values if shipped is None else values | {"shipped": [_shipped_values(one) for one in shipped]}


def _shipped_values(one: Beside) -> dict[str, Any]:
    measured = dict(zip(NAMES, one.values or [None] * len(NAMES), strict=True))
    return {"variant": one.name, **measured, "no_worse": one.by and one.by.number, "why_none": one.why or None}


def _cells(member: OnFront, values: dict[str, Any]) -> list[str]:
    form = "{difference:+.4f} [{low:+.4f}, {high:+.4f}]"
    return [
        _called(member),
        *_three([values[name] for name in NAMES]),
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
