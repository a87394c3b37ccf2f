"""The Pareto front: the variants that no other one beats in everything at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evaluator.compare.summary import headline_of
from evaluator.statistics import BALANCE_FLOOR, TIME_FLOOR

COSTS = ("time_ratio", "moved_slots")
"""Columns of a summary of which less is better: a ratio, and a share."""


def on_front(summary: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which rows of a summary are on the front of balancedness (more is better), time and moved slots (less is).

    Args:
        summary: a row per variant, as ``summarise`` returns it. A column that no row has a value in is left out. A row
            that lacks a value of one that others have is not on the front: it was not measured. Neither is one that is
            not ``complete``, and it beats nobody: its means are of other windows.

    A row is beaten by another that is as good in every column and better in one by more than the floor of a verdict
    (``evaluator.statistics``): which of two equal variants took a hair's breadth longer is chance.
    """
    headline = headline_of(summary)
    known = [name for name in (headline, *COSTS) if name in summary and summary[name].notna().any()]
    value = {name: summary[name].to_numpy(dtype=float) * (1 if name == headline else -1) for name in known}
    complete = ~np.isnan(np.column_stack([*value.values()])).any(axis=1)
    if "complete" in summary:
        complete &= summary["complete"].to_numpy(dtype=bool)
    front = complete.copy()
    for row in np.flatnonzero(complete):
        as_good, better = complete.copy(), np.zeros_like(complete)
        for name, all_values in value.items():
            own = all_values[row]
            floor = TIME_FLOOR * abs(own) if name == "time_ratio" else BALANCE_FLOOR
            as_good &= all_values >= own
            better |= all_values > own + floor
        front[row] = not (as_good & better).any()
    return front
