"""Geometry of the differences by window: a small picture per variant, with a scale of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evaluator.analysis.columns import BALANCE_FLOOR
from evaluator.reports.scatter import Axis, axis_over, frame_of, signed
from evaluator.reports.series import JUDGED_ON

WIDTH, HEIGHT = 340, 130
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 8, 22
LEAST_SPAN = BALANCE_FLOOR
"""Each scale holds at least the differences that no verdict speaks of: noise does not look like more."""


def small_multiples(series: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a picture per variant: paths of the means, and the band from least to greatest.

    Args:
        series: as ``differences`` returns them.

    Windows are on one scale, differences on one of each picture: one bad variant would flatten all others.
    """
    first, last = min(line["first"][0] for line in series), max(line["last"][-1] for line in series)
    across = Axis(first, max(last, first + 1), LEFT, WIDTH - RIGHT, log=False)
    return {
        **frame_of(WIDTH, HEIGHT, (LEFT, RIGHT, TOP, BOTTOM)),
        "x_ends": [first, last],
        "pictures": [_picture(line, across) for line in series],
    }


def _picture(line: dict[str, Any], across: Axis) -> dict[str, Any]:
    ends = [v for judged in JUDGED_ON for end in ("low", "high") for v in line[judged][end] if v is not None]
    up = axis_over([-LEAST_SPAN, LEAST_SPAN, *ends], HEIGHT - BOTTOM, TOP, log=False)
    xs = [across.at((first + last) / 2) for first, last in zip(line["first"], line["last"], strict=True)]
    picture: dict[str, Any] = {
        "variant": line["variant"],
        "xs": xs,
        "zero": up.at(0.0),
        "y_ticks": [{"at": up.at(value), "text": signed(value)} for value in up.ticks()],
    }
    for judged in JUDGED_ON:
        picture[judged] = _path(xs, line[judged]["mean"], up)
        picture[f"{judged}_band"] = _band(xs, line[judged], up)
    return picture


def _path(xs: Sequence[float], values: Sequence[float | None], up: Axis) -> str:
    """Return an SVG path with gaps where nothing is known; a value alone is a dot."""
    steps, drawing = [], False
    for number, (x, value) in enumerate(zip(xs, values, strict=True)):
        if value is None:
            drawing = False
            continue
        alone = not drawing and (number + 1 == len(values) or values[number + 1] is None)
        steps.append(f"{'L' if drawing else 'M'}{x:.1f} {up.at(value):.1f}{'h.1' if alone else ''}")
        drawing = True
    return "".join(steps)


def _band(xs: Sequence[float], line: dict[str, Sequence[float | None]], up: Axis) -> str:
    """Return the closed path around least and greatest; empty where each bucket is one value."""
    if line["low"] == line["high"]:
        return ""
    known = [(x, low, high) for x, low, high in zip(xs, line["low"], line["high"], strict=True) if low is not None]
    there = [f"{x:.1f} {up.at(high or 0.0):.1f}" for x, _, high in known]
    back = [f"{x:.1f} {up.at(low or 0.0):.1f}" for x, low, _ in reversed(known)]
    return f"M{'L'.join(there + back)}Z"
