"""What all plots have in common: colours, the order of variants, which of them an axis is made for, captions."""

from __future__ import annotations

import hashlib
import pkgutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator

from eplb_variants import floors, variant_names
from evaluator.analysis.summary import headline_of
from evaluator.shown.labels import round_ticks
from evaluator.shown.words import BAD, GOOD, broken, number, shortened

MAX_PANELS = 12
"""Workloads shown beside each other; more would not be readable."""
NAME_SIZE = 8
"""Points, of the names of variants beside a plot."""
LETTER, LINE = 0.066, 0.175
"""Inches that a letter of a name takes from side to side, and a name from top to bottom."""
CAPTION_SIZE, CAPTION_LETTER = 9, 0.076
"""Points of captions and titles, and the inches that a letter of them takes."""
LONGEST_NAME = 54
"""Letters of a name in one line."""
MARKS = ("o", "s", "^", "D", "v")
COLOURS = (
    "#c81e48", "#b44901", "#946406", "#797202", "#428104", "#07835e", "#017f7f", "#017a9b", "#046cd1", "#6952db",
    "#983dbc", "#b82989", "#f45340", "#d57703", "#b28d04", "#879f03", "#09af51", "#0da995", "#01a4b9", "#069ce4",
    "#6887ff", "#a76ef8", "#d25bcb", "#ed4f8d", "#707a85", "#a08574",
)  # fmt: skip
"""Twelve hues, dark and light, and two greys; all seen on a white page and on a dark one (a contrast of about 3)."""
STRIDE = 7
"""From the colour of a shipped variant to that of the next by name: their families have names that begin alike."""
REFERENCE_COLOUR = "#1a1f24"
ARROW = "an arrow: further off than the axis"
"""What a mark at the edge of an axis means."""
TEXT_COLOURS = {GOOD: "#116b34", BAD: "#b3261e"}
"""Of words of good and bad."""
FLOORS = frozenset(module.name for module in pkgutil.iter_modules(floors.__path__))
"""Variants that look at nothing. They show where the bottom is, and would press all that is compared into one line."""
OUTLIER = 20.0
"""A variant that is so many times as far from the reference as half of them has no room on the axis either."""
HALO = [withStroke(linewidth=2.5, foreground="white")]
"""Around names that stand on lines."""
STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "eplb-lab",
    "text.parse_math": False,  # names may have dollar signs
}


def order_of(good: pd.DataFrame) -> list[str]:
    """Return the variants, best first."""
    headline = headline_of(good)
    return list(good.groupby("variant")[headline].mean().sort_values(ascending=False).index)


def colour_of(name: str, reference: str | None = None) -> str:
    """Return the colour of a variant, ``#rrggbb``: by its name, the same in every run, and one for the reference."""
    return REFERENCE_COLOUR if name == reference else COLOURS[_number_of(name) % len(COLOURS)]


def mark_of(name: str) -> str:
    """Return the mark of a variant in a scatter plot, by its name: it tells apart those of one colour."""
    return MARKS[_number_of(name) // len(COLOURS) % len(MARKS)]


def is_floor(name: str) -> bool:
    """Return whether a variant is a floor, with whatever parameters."""
    return name.partition("[")[0] in FLOORS


def span_of(ends: Mapping[str, tuple[float, float]], reference: str) -> tuple[float, float]:
    """Return the least and the greatest value that an axis of differences has to hold; 0 is between them.

    Args:
        ends: by variant, the ends of its values (differences to the reference).
        reference: is held.

    Floors are left out where there is something else, and so is what lies twenty times further from the reference than
    half of the variants do.
    """
    known = {name: pair for name, pair in ends.items() if name != reference and np.isfinite(pair).all()}
    core = {name: pair for name, pair in known.items() if not is_floor(name)} or known
    sizes = {name: float(np.abs(pair).max()) for name, pair in core.items()}
    half = sorted(sizes.values())[(len(sizes) - 1) // 2] if sizes else 0.0
    kept = [value for name, pair in core.items() for value in pair if sizes[name] <= OUTLIER * max(half, 1e-3)]
    return min(kept, default=0.0), max(kept, default=0.0)


def size_of_names(names: Iterable[str]) -> tuple[float, float]:
    """Return the width and height in inches of names under each other."""
    lines = [line for name in names for line in broken(name, LONGEST_NAME).split("\n")]
    return LETTER * max(map(len, lines), default=0) + 0.5, LINE * len(lines) + 0.3


def height_of_rows(names: Iterable[str], least: float) -> float:
    """Return the height in inches of rows of one size, each of which holds its name."""
    lines = [name.count("\n") + 1 for name in names]
    return len(lines) * max(LINE * max(lines, default=1) + 0.04, least) + 0.3


def beside_names(width: float, height: float, names: Iterable[str]) -> tuple[float, float]:
    """Return the size in inches of a figure with room for a plot and, to the right of it, a legend of names."""
    right, high = size_of_names(names)
    return width + right, max(height, high)


def marked(name: str, reference: str) -> str:
    """Return the name of a variant as it stands in plots, in lines."""
    return broken(f"{name} (reference)" if name == reference else name, LONGEST_NAME)


def fitted(text: str, inches: float) -> str:
    """Return a caption or a title in lines that a figure or panel of some width holds."""
    width = max(12, int(inches / CAPTION_LETTER))
    return "\n".join(
        line
        for part in text.split("\n")
        for word in textwrap.wrap(part, width, break_long_words=False, break_on_hyphens=False)
        for line in broken(word, width).split("\n")
    )


def caption(figure: Figure, *sentences: str) -> None:
    """Write sentences below a figure, in lines that it holds."""
    text = "; ".join(filter(None, sentences))
    figure.supxlabel(fitted(text, figure.get_figwidth() - 0.3), size=CAPTION_SIZE)


def titles_of(panels: Sequence[str]) -> tuple[list[str], str]:
    """Return the titles of panels, and a sentence for the caption that says what all of them end with."""
    titles, shared = shortened(panels)
    return titles, f"each workload {shared}" if shared else ""


def panels_of(number: int, most: int = 3) -> tuple[int, int]:
    """Return how many rows and columns some panels stand in."""
    columns = min(most, number)
    return -(-number // columns), columns


def signed_axis(axis: Axis, low: float, high: float, ticks: int = 7) -> None:
    """Give an axis of differences round ticks between two ends, with their signs."""
    axis.set_major_locator(FixedLocator(round_ticks(low, high, ticks)))
    axis.set_major_formatter(lambda value, _: number(value, "+.3g") if abs(value) > 1e-12 else "0")


@cache
def _shipped() -> tuple[str, ...]:
    """Return the shipped variants by name, floors last: all others have a colour of their own."""
    return tuple(sorted(variant_names(), key=lambda name: (is_floor(name), name)))


def _number_of(name: str) -> int:
    """Return what stands for a name: a shipped variant's place, another's hash."""
    if name in _shipped():
        return STRIDE * _shipped().index(name)
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
