"""Paired differences by window, in so few buckets that a page of them stays small.

Shapes: W windows of all traces together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from eplb_variants.loads import FloatArray, IntArray
from evaluator.analysis.alignment import align

JUDGED_ON = ("next", "own")
MOST_POINTS, FEWEST_POINTS = 120, 20
"""Points of a line: what its picture has room for, and what still shows a drift."""
POINTS_OF_A_PAGE = 20_000
"""Of all lines together: about two megabytes."""
DIGITS = 6
"""Decimal places: a thousandth of the least difference that a verdict speaks of."""


def points_per_series(lines: int) -> int:
    """Return how many points a line may have on a page of so many lines."""
    return max(FEWEST_POINTS, min(MOST_POINTS, POINTS_OF_A_PAGE // max(1, lines)))


def differences(part: pd.DataFrame, reference: str, order: Sequence[str], points: int) -> list[dict[str, Any]]:
    """Return the difference of balancedness to the reference by window, for every other variant.

    Args:
        part: rows of one workload on one topology, over its seeds.
        reference: measured there.
        order: in which the variants come back.
        points: buckets at most; a bucket is a run of windows that follow each other.

    Each has ``variant``, ``first`` and ``last`` (the windows of each bucket), and for ``next`` and ``own`` the
    ``mean``, ``low`` and ``high`` (least and greatest) of the bucket's windows over all seeds; None for what is not
    known.
    """
    aligned = {judged: align(part, f"balancedness_gpu_{judged}") for judged in JUDGED_ON}
    windows_W = aligned["own"].windows
    found = []
    for name in (name for name in order if name != reference):
        by_word = {judged: values.of(name) - values.of(reference) for judged, values in aligned.items()}
        both_W = ~np.isnan(by_word["own"])
        if both_W.any():
            lines = {judged: difference_W[both_W] for judged, difference_W in by_word.items()}
            found.append({"variant": name, **_buckets(windows_W[both_W], lines, points)})
    return found


def _buckets(windows_W: IntArray, differences_W: Mapping[str, FloatArray], points: int) -> dict[str, Any]:
    windows, place_W = np.unique(windows_W, return_inverse=True)
    size = -(-windows.size // points)
    line: dict[str, Any] = {
        "first": windows[::size].tolist(),
        "last": [int(windows[min(start + size, windows.size) - 1]) for start in range(0, windows.size, size)],
    }
    for judged, difference_W in differences_W.items():
        grouped = pd.Series(difference_W).groupby(place_W // size)
        line[judged] = {
            word: [None if pd.isna(value) else round(float(value), DIGITS) for value in values]
            for word, values in (("mean", grouped.mean()), ("low", grouped.min()), ("high", grouped.max()))
        }
    return line
