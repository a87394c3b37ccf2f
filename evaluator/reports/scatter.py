"""Geometry of the Pareto plot: from values to places on the page, with labels that do not cover each other."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 16, 52
RADIUS_LEAST, RADIUS_MOST = 4.5, 12.0
LETTER, LINE = 6.6, 14.0
"""Width of a letter and height of a line of labels, in the units of the picture."""
LONGEST_LABEL = 30
MARGIN = 0.06
"""Share of the axis that stays free at each end."""


class Box(NamedTuple):
    """What a marker or a label covers."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Return whether both cover a place."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


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
        return _log_ticks(self.low, self.high) if self.log else _ticks(self.low, self.high)


def axis_over(values: Sequence[float], start: float, end: float, *, log: bool) -> Axis:
    """Return the axis that holds all values with a margin; equal values stand in its middle."""
    low, high = min(values), max(values)
    if log:
        margin = max(MARGIN * math.log10(high / low), 0.04)
        return Axis(low / 10**margin, high * 10**margin, start, end, log=True)
    margin = MARGIN * (high - low) or max(abs(high) * 0.01, 1e-6)
    return Axis(low - margin, high + margin, start, end, log=False)


def _ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1,) if len(powers) > 5 else (1, 2, 5)
    ticks = [t for power in powers for factor in factors if low <= (t := factor * 10.0**power) <= high]
    return ticks if len(ticks) > 1 else _ticks(low, high)


def scatter(points: Sequence[dict[str, Any]], *, log: bool, form: Callable[[float], str]) -> dict[str, Any]:
    """Return where everything stands in a picture of ``WIDTH`` by ``HEIGHT``.

    Args:
        points: with ``label``, ``x`` and ``y``, their intervals ``x_low``, ``x_high``, ``y_low`` and ``y_high`` (None
            where there is none), ``size`` (0 to 1, None where unknown), and whatever else the page needs of them.
        log: whether x is shown on a logarithmic axis; it is only where all values are positive.
        form: writes a value of x.

    Points come back from left to right, so that arrow keys go through them, with ``cx``, ``cy``, ``r``, the ends of
    their bars, and a label where there is room for one.
    """
    xs = [v for p in points for v in (p["x"], p["x_low"], p["x_high"]) if v is not None]
    ys = [v for p in points for v in (p["y"], p["y_low"], p["y_high"]) if v is not None]
    across = axis_over(xs, LEFT, WIDTH - RIGHT, log=log and min(xs) > 0)
    up = axis_over(ys, HEIGHT - BOTTOM, TOP, log=False)
    placed = [_placed(point, across, up) for point in sorted(points, key=lambda p: (p["x"], p["label"]))]
    _label(placed)
    decimals = _decimals(up.ticks())
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "top": TOP,
        "bottom": HEIGHT - BOTTOM,
        "log": across.log,
        "x_ticks": [{"at": across.at(value), "text": form(value)} for value in across.ticks()],
        "y_ticks": [{"at": up.at(value), "text": f"{value:.{decimals}f}"} for value in up.ticks()],
        "points": placed,
    }


def _decimals(ticks: Sequence[float]) -> int:
    step = min((b - a for a, b in itertools.pairwise(ticks)), default=0.01)
    return max(2, -math.floor(math.log10(step) + 1e-9))


def _placed(point: dict[str, Any], across: Axis, up: Axis) -> dict[str, Any]:
    share = 0.0 if point["size"] is None else min(1.0, max(0.0, point["size"]))
    bars = {}
    for name, axis in (("x_low", across), ("x_high", across), ("y_low", up), ("y_high", up)):
        bars[f"{name}_at"] = None if point[name] is None else axis.at(point[name])
    radius = round(math.sqrt(RADIUS_LEAST**2 + share * (RADIUS_MOST**2 - RADIUS_LEAST**2)), 2)
    return {**point, **bars, "cx": across.at(point["x"]), "cy": up.at(point["y"]), "r": radius, "text": None}


def _label(placed: list[dict[str, Any]]) -> None:
    """Give labels, in place, to as many points as have room for one; those on the front come first."""
    taken = [Box(p["cx"] - p["r"], p["cy"] - p["r"], p["cx"] + p["r"], p["cy"] + p["r"]) for p in placed]
    frame = Box(LEFT, 0, WIDTH, HEIGHT - BOTTOM)
    for point in sorted(placed, key=lambda p: (not p.get("front"), -p["y"])):
        text = point["label"] if len(point["label"]) <= LONGEST_LABEL else f"{point['label'][: LONGEST_LABEL - 1]}…"
        width, gap = len(text) * LETTER, point["r"] + 4
        for anchor, x, y in (
            ("start", point["cx"] + gap, point["cy"]),
            ("end", point["cx"] - gap, point["cy"]),
            ("middle", point["cx"], point["cy"] - gap - LINE / 2),
            ("middle", point["cx"], point["cy"] + gap + LINE / 2),
        ):
            left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
            box = Box(left, y - LINE / 2, left + width, y + LINE / 2)
            inside = frame.left <= box.left and box.right <= frame.right and frame.top <= box.top <= frame.bottom - LINE
            if inside and not any(box.meets(other) for other in taken):
                point |= {"text": text, "anchor": anchor, "text_x": round(x, 2), "text_y": round(y, 2)}
                taken.append(box)
                break
