"""Labels at points that do not cover each other, and round values on axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Box(NamedTuple):
    """What a marker or a label covers; ``top`` is the lesser of two heights, wherever up is."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Return whether both cover a place."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def holds(self, other: Box) -> bool:
        """Return whether the other lies within."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom


class Point(NamedTuple):
    """A marker around ``x, y`` with a label of some width and height."""

    x: float
    y: float
    radius: float
    width: float
    height: float


class Spot(NamedTuple):
    """Where a label stands: the middle of its height, and its start, middle or end."""

    x: float
    y: float
    anchor: str


def label_spots(
    points: Sequence[Point], order: Sequence[int], frame: Box, gap: float = 4.0, *, beside_first: bool = True
) -> list[Spot | None]:
    """Return a place for the label of each point, None for one that has no room.

    Args:
        points: all of them are kept free.
        order: in which labels take what room there is.
        frame: what a label has to lie within.
        gap: between marker and label.
        beside_first: look for room beside a marker before that above and below; not where bars go across.
    """
    taken = [Box(p.x - p.radius, p.y - p.radius, p.x + p.radius, p.y + p.radius) for p in points]
    spots: list[Spot | None] = [None] * len(points)
    for number in order:
        for spot, box in _places(points[number], gap, beside_first=beside_first):
            if frame.holds(box) and not any(box.meets(other) for other in taken):
                spots[number] = spot
                taken.append(box)
                break
    return spots


def _places(point: Point, gap: float, *, beside_first: bool) -> list[tuple[Spot, Box]]:
    """Return where a label could stand: beside the marker, above, below, and up to two lines further off."""
    x, y, away, half = point.x, point.y, point.radius + gap, point.height / 2
    beside = [Spot(x + away, y, "start"), Spot(x - away, y, "end")]
    spots = []
    for line in (0, 1, 2):
        up = away + half + line * point.height
        spots += [Spot(x, y - up, "middle"), Spot(x, y + up, "middle")]
        spots += [Spot(x + side * away / 2, y + sign * up, anchor) for side, anchor in ((1, "start"), (-1, "end"))
                  for sign in (-1, 1)]  # fmt: skip
    spots = beside + spots if beside_first else spots + beside
    back = {"start": 0.0, "middle": point.width / 2, "end": point.width}
    return [
        (spot, Box(left, spot.y - half, left + point.width, spot.y + half))
        for spot in spots
        for left in [spot.x - back[spot.anchor]]
    ]


def spread(places: Sequence[float], room: float, least: float, most: float) -> list[float]:
    """Return places moved as little as they must be to lie ``room`` apart between two ends, in the same order."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = [0.0] * len(places)
    at = -math.inf
    for i in order:
        at = moved[i] = max(places[i], at + room, least)
    at = math.inf
    for i in reversed(order):
        at = moved[i] = min(moved[i], at - room, most)
    return moved


def round_ticks(low: float, high: float, number: int = 5) -> list[float]:
    """Return round values between two ends, about so many and one more at most."""
    rough = (high - low) / number
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return round values between two positive ends of a logarithmic axis."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1,) if len(powers) > 5 else (1, 2, 5)
    ticks = [t for power in powers for factor in factors if low <= (t := factor * 10.0**power) <= high]
    return ticks if len(ticks) > 1 else round_ticks(low, high)
