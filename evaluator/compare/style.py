"""What all comparison plots have in common: colours, the order of variants, how the reference is marked."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import pandas as pd

from evaluator.compare.summary import headline_of

MAX_PANELS = 12
"""Workloads shown beside each other; more would not be readable."""
COLOURS = mpl.colormaps["tab10"]
STYLE: Any = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "eplb-lab"}


def order_of(good: pd.DataFrame) -> list[str]:
    """Return the variants, best first."""
    headline = headline_of(good)
    return list(good.groupby("variant")[headline].mean().sort_values(ascending=False).index)


def colours_of(good: pd.DataFrame) -> dict[str, tuple[float, float, float, float]]:
    """Return a colour for each variant, by their names, so that it is the same in every plot."""
    return {name: COLOURS(i % 10) for i, name in enumerate(sorted(good["variant"].unique()))}


def marked(name: str, reference: str) -> str:
    """Return the name of a variant as it stands in legends."""
    return f"{name} (reference)" if name == reference else name
