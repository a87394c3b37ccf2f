"""Geometry of the Pareto plot: from values to places on the page, with labels that do not cover each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from evaluator.analysis.columns import BALANCE_FLOOR
from evaluator.shown.labels import Box, Point, label_spots, log_ticks, round_ticks
from evaluator.shown.words import number

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 16, 52
RADIUS_LEAST, RADIUS_MOST = 4.5, 12.0
LETTER, LINE = 6.6, 14.0
"""Width of a letter and height of a line of labels, in the units of the picture."""
LONGEST_LABEL = 30
MARGIN = 0.06
"""Share of the axis that stays free at each end."""


def frame_of(width: int, height: int, margins: tuple[int, int, int, int]) -> dict[str, int]:
    """Return the size of a picture and the sides of what is drawn in it; margins are left, right, top and bottom."""
    left, right, top, bottom = margins
    sides = {"left": left, "right": width - right, "top": top, "bottom": height - bottom}
    return {"width": width, "height": height, **sides}


class Axis(NamedTuple):
    """Maps values to places between ``start`` and ``end``; on a logarithmic axis all values are positive."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    def at(self, value: float) -> float:
        """Return the place of a value; what lies outside is held at the ends."""
        ends = (value, self.low, self.high)
        here, low, high = map(math.log10, ends) if self.log else ends
        share = min(1.0, max(0.0, (here - low) / (high - low)))
        return round(self.start + share * (self.end - self.start), 2)

    def ticks(self) -> list[float]:
        """Return round values within the axis, about five."""
        return log_ticks(self.low, self.high) if self.log else round_ticks(self.low, self.high)


def axis_over(values: Sequence[float], start: float, end: float, *, log: bool) -> Axis:
    """Return the axis that holds all values with a margin; equal values stand in its middle."""
    low, high = min(values), max(values)
    if log:
        margin = max(MARGIN * math.log10(high / low), 0.04)
        return Axis(low / 10**margin, high * 10**margin, start, end, log=True)
    margin = MARGIN * (high - low) or max(abs(high) * 0.01, 1e-6)
    return Axis(low - margin, high + margin, start, end, log=False)


def scatter(
    points: Sequence[dict[str, Any]], ends: tuple[float, float], *, log: bool, form: Callable[[float], str]
) -> dict[str, Any]:
    """Return where everything stands in a picture of ``WIDTH`` by ``HEIGHT``.

    Args:
        points: with ``label``, ``x`` and ``y`` (a difference), their intervals ``x_low``, ``x_high``, ``y_low`` and
            ``y_high`` (None where there is none), ``size`` (0 to 1, None where unknown), and whatever else the page
            needs of them.
        ends: what the axis of y goes from and to; a point beyond stands at the edge, with its value in the label.
        log: whether x is shown on a logarithmic axis; it is only where all values are positive.
        form: writes a value of x.

    Points come back from left to right, so that arrow keys go through them, with ``cx``, ``cy``, ``r``, the ends of
    their bars, ``beyond`` (``up``, ``down`` or None), and a label where there is room for one.
    """
    xs = [v for p in points for v in (p["x"], p["x_low"], p["x_high"]) if v is not None]
    across = axis_over(xs, LEFT, WIDTH - RIGHT, log=log and min(xs) > 0)
    up = Axis(*ends, HEIGHT - BOTTOM, TOP, log=False)
    placed = [_placed(point, across, up) for point in sorted(points, key=lambda p: (p["x"], p["label"]))]
    _label(placed)
    return {
        **frame_of(WIDTH, HEIGHT, (LEFT, RIGHT, TOP, BOTTOM)),
        "log": across.log,
        "x_ticks": [{"at": across.at(value), "text": form(value)} for value in across.ticks()],
        "y_ticks": [{"at": up.at(value), "text": signed(value)} for value in up.ticks()],
        "zero": up.at(0.0),
        "band": [up.at(BALANCE_FLOOR), up.at(-BALANCE_FLOOR)],
        "points": placed,
    }


def signed(value: float) -> str:
    """Return a difference as it stands beside an axis."""
    return number(value, "+.3g") if abs(value) > BALANCE_FLOOR / 1e6 else "0"


def _placed(point: dict[str, Any], across: Axis, up: Axis) -> dict[str, Any]:
    share = 0.0 if point["size"] is None else min(1.0, max(0.0, point["size"]))
    radius = round(math.sqrt(RADIUS_LEAST**2 + share * (RADIUS_MOST**2 - RADIUS_LEAST**2)), 2)
    beyond = "down" if point["y"] < up.low else "up" if point["y"] > up.high else None
    bars = {}
    for name, axis in (("x_low", across), ("x_high", across), ("y_low", up), ("y_high", up)):
        known = point[name] is not None and not (beyond and axis is up)
        bars[f"{name}_at"] = axis.at(point[name]) if known else None
    place = {"cx": across.at(point["x"]), "cy": up.at(point["y"]), "r": radius, "text": None, "beyond": beyond}
    return {**point, **bars, **place}


def _label(placed: list[dict[str, Any]]) -> None:
    """Give labels, in place, to as many points as have room for one; those on the front come first."""
    texts = [_text(point) for point in placed]
    points = [
        Point(point["cx"], point["cy"], point["r"], len(text) * LETTER, LINE)
        for point, text in zip(placed, texts, strict=True)
    ]
    order = sorted(range(len(placed)), key=lambda i: (not placed[i].get("front"), -placed[i]["y"]))
    has_bars = any(point["x_low_at"] is not None for point in placed)
    spots = label_spots(points, order, Box(LEFT, 0, WIDTH, HEIGHT - BOTTOM), beside_first=not has_bars)
    for point, text, spot in zip(placed, texts, spots, strict=True):
        if spot is not None:
            point |= {"text": text, "anchor": spot.anchor, "text_x": round(spot.x, 2), "text_y": round(spot.y, 2)}


def _text(point: dict[str, Any]) -> str:
    name = point["label"]
    short = name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}\N{HORIZONTAL ELLIPSIS}"
    return f"{short} {number(point['y'], '+.4f')}" if point["beyond"] else short
