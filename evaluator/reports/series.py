"""Paired differences by window, in so few buckets that a page of them stays small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from evaluator.analysis.alignment import PAIR

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
    columns = [*PAIR, *(_column(judged) for judged in JUDGED_ON)]
    base = part.loc[part["variant"] == reference, columns]
    found = []
    for name in (name for name in order if name != reference):
        own = part.loc[part["variant"] == name, columns]
        both = own.merge(base, on=PAIR, suffixes=("", "_base"), validate="one_to_one")
        if len(both):
            found.append({"variant": name, **_buckets(both, points)})
    return found


def _column(judged: str) -> str:
    return f"balancedness_gpu_{judged}"


def _buckets(both: pd.DataFrame, points: int) -> dict[str, Any]:
    windows, place = np.unique(both["window"].to_numpy(), return_inverse=True)
    size = -(-windows.size // points)
    bucket = place // size
    line: dict[str, Any] = {
        "first": windows[::size].tolist(),
        "last": [int(windows[min(start + size, windows.size) - 1]) for start in range(0, windows.size, size)],
    }
    for judged in JUDGED_ON:
        difference = both[_column(judged)] - both[f"{_column(judged)}_base"]
        grouped = difference.groupby(bucket)
        line[judged] = {
            word: [None if pd.isna(value) else round(float(value), DIGITS) for value in values]
            for word, values in (("mean", grouped.mean()), ("low", grouped.min()), ("high", grouped.max()))
        }
    return line
