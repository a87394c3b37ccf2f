"""The Pareto front: the variants that no other one beats in everything at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evaluator.compare.summary import headline_of

COSTS = ("time_ratio", "moved_slots")
"""Columns of a summary of which less is better."""


def on_front(summary: pd.DataFrame, costs: Sequence[str] = COSTS) -> NDArray[np.bool_]:
    """Return which rows of a summary are on the front of balancedness (more is better) and costs (less is better).

    Args:
        summary: a row per variant, as ``summarise`` returns it.
        costs: columns; one that no row has a value in is left out. A row that lacks a value of one that others have
            is not on the front: it was not measured. Neither is one that is not ``complete``, and it beats nobody: its
            means are of other windows.

    A row is beaten by another that is as good in every column and better in one. Equal rows do not beat each other.
    """
    known = [cost for cost in costs if cost in summary and summary[cost].notna().any()]
    better = np.column_stack([summary[headline_of(summary)], *(-summary[cost] for cost in known)]).astype(float)
    complete = ~np.isnan(better).any(axis=1)
    if "complete" in summary:
        complete &= summary["complete"].to_numpy(dtype=bool)
    front = complete.copy()
    for row in np.flatnonzero(complete):
        others = better[complete]
        front[row] = not ((others >= better[row]).all(axis=1) & (others > better[row]).any(axis=1)).any()
    return front
