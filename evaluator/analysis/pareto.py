"""The Pareto front: the variants that no other one beats in everything at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eplb_variants.loads import FloatArray
from evaluator.analysis.columns import METRICS, TIME_RATIO
from evaluator.analysis.summary import headline_of

COSTS = (TIME_RATIO, METRICS["moved_slots"])
"""What better balancedness may cost."""


def on_front(summary: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which rows of a summary are on the front of balancedness (more is better), time and moved slots (less is).

    Args:
        summary: a row per variant, as ``summarise`` returns it. A column that no row has a value in is left out. A row
            that lacks a value of one that others have is not on the front: it was not measured. Neither is one that is
            not ``complete``, and it beats nobody: its means are of other windows.

    A row is beaten by another that is really better in one column and in none really worse: by more than the floor of
    a verdict (``evaluator.analysis.statistics``), for which of two equal variants took a hair's breadth longer is
    chance. Were all beaten, each by another in a circle, the front is that of the exact values.
    """
    wanted = (METRICS[headline_of(summary)], *COSTS)
    known = [metric for metric in wanted if metric.name in summary and summary[metric.name].notna().any()]
    value = np.column_stack([summary[metric.name].to_numpy(dtype=float) * metric.sign for metric in known])
    complete = ~np.isnan(value).any(axis=1)
    if "complete" in summary:
        complete &= summary["complete"].to_numpy(dtype=bool)
    floors = [metric.floor * (np.abs(value[:, i]) if metric.is_ratio else 1) for i, metric in enumerate(known)]
    floor = np.column_stack(np.broadcast_arrays(*floors, value[:, 0])[:-1])
    front = _unbeaten(value, floor, complete)
    return front if front.any() else _unbeaten(value, np.zeros_like(floor), complete)


def _unbeaten(value: FloatArray, floor: FloatArray, complete: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which complete rows no other complete one beats; more is better in every column."""
    front = complete.copy()
    for row in np.flatnonzero(complete):
        not_worse = (value >= value[row] - floor[row]).all(axis=1)
        better = (value > value[row] + floor[row]).any(axis=1)
        front[row] = not (complete & not_worse & better).any()
    return front
