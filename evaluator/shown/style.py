"""What all comparison plots have in common: colours, the order of variants, how the reference is marked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import matplotlib as mpl
import pandas as pd

from evaluator.analysis.summary import headline_of

MAX_PANELS = 12
"""Workloads shown beside each other; more would not be readable."""
NAME_SIZE = 8
"""Points, of the names of variants beside a plot."""
LETTER, LINE = 0.066, 0.175
"""Inches that a letter of a name takes from side to side, and a name from top to bottom."""
MARKS = ("o", "s", "^", "D", "v")
"""Of variants whose colours are the same."""
COLOURS = mpl.colormaps["tab10"]
STYLE: Any = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "eplb-lab"}


def order_of(good: pd.DataFrame) -> list[str]:
    """Return the variants, best first."""
    headline = headline_of(good)
    return list(good.groupby("variant")[headline].mean().sort_values(ascending=False).index)


def colours_of(good: pd.DataFrame) -> dict[str, tuple[float, float, float, float]]:
    """Return a colour for each variant, by their names, so that it is the same in every plot."""
    return {name: COLOURS(i % 10) for i, name in enumerate(sorted(good["variant"].unique()))}


def marks_of(good: pd.DataFrame) -> dict[str, str]:
    """Return a mark for each variant, another one where colours begin again."""
    return {name: MARKS[i // 10 % len(MARKS)] for i, name in enumerate(sorted(good["variant"].unique()))}


def size_of_names(names: Iterable[str]) -> tuple[float, float]:
    """Return the width and height in inches of names under each other."""
    lengths = [len(name) for name in names]
    return LETTER * max(lengths, default=0) + 0.5, LINE * len(lengths) + 0.3


def beside_names(width: float, height: float, names: Iterable[str]) -> tuple[float, float]:
    """Return the size in inches of a figure with room for a plot and, to the right of it, a legend of names."""
    right, high = size_of_names(names)
    return width + right, max(height, high)


def broken(name: str, width: int) -> str:
    """Return a name in lines of about some letters, ended after commas and brackets."""
    lines = [""]
    for part in re.split(r"(?<=[,\[])", name):
        if lines[-1] and len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def marked(name: str, reference: str) -> str:
    """Return the name of a variant as it stands in legends."""
    return f"{name} (reference)" if name == reference else name
