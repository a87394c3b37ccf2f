"""Geometry of the figure at the top: each variant's paired difference to the reference, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evaluator.analysis.columns import BALANCE_FLOOR
from evaluator.reports.scatter import Axis, signed
from evaluator.shown.labels import round_ticks
from evaluator.shown.style import span_of
from evaluator.shown.words import ends_of, number

WIDTH, HEIGHT, SIDE = 330, 22, 8
"""Of the picture in each row, and what is free at its sides."""
MOST_ROWS = 16
"""Variants in the figure, the best ones; the table below has all."""


def limits_of(rows: Sequence[dict[str, Any]], reference: str) -> tuple[float, float]:
    """Return from where to where an axis of differences goes: floors, and what lies far from all others, are beyond."""
    ends = {row["variant"]: ends_of(row) for row in rows if row["difference"] is not None}
    least, most = span_of(ends, reference)
    room = max(0.12 * (most - least), BALANCE_FLOOR)
    return min(least - room, -1.6 * BALANCE_FLOOR), max(most + room, 1.6 * BALANCE_FLOOR)


def headline(rows: Sequence[dict[str, Any]], reference: str) -> dict[str, Any] | None:
    """Return a row for each variant but the reference; None where there is no difference to show.

    Args:
        rows: of the summary over everything, best first.
        reference: what differences are to.
    """
    others = [row for row in rows if row["variant"] != reference and row["difference"] is not None]
    if not others:
        return None
    axis = Axis(*limits_of(others, reference), SIDE, WIDTH - SIDE, log=False)
    places = [(axis.at(value), signed(value)) for value in round_ticks(axis.low, axis.high, 4)]
    shown = others[:MOST_ROWS]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "zero": axis.at(0.0),
        "band": [axis.at(-BALANCE_FLOOR), axis.at(BALANCE_FLOOR)],
        "ticks": [{"at": at, "text": text} for at, text in places if 20 < at < WIDTH - 20],
        "letters": max(len(row["variant"]) for row in shown),
        "floor": BALANCE_FLOOR,
        "rows": [_row(row, axis) for row in shown],
        "more": max(0, len(others) - MOST_ROWS),
    }


def _row(row: dict[str, Any], axis: Axis) -> dict[str, Any]:
    value, (low, high) = row["difference"], ends_of(row)
    beyond = "left" if value < axis.low else "right" if value > axis.high else None
    return {
        "variant": row["variant"],
        "at": axis.at(value),
        "bar": None if beyond else [axis.at(low), axis.at(high)],
        "beyond": beyond,
        "text": number(value, "+.4f"),
        "verdict": row["verdict"],
    }
