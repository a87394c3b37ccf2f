"""The Pareto front: the variants that no other one beats in everything at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evaluator.analysis.columns import LOG_TIME_RATIO
from evaluator.analysis.pairs import Pairs, Relation, better
from evaluator.analysis.statistics import FEWEST, error_of


def on_front(table: pd.DataFrame, relations: Sequence[Relation], headline: str) -> NDArray[np.bool_]:
    """Return which variants are on the front of balancedness (more is better), time and moved slots (less is).

    Args:
        table: a row per variant, with the times of ``times_by_variant``, and the headline by name.
        relations: which variant is really better than which, in balancedness and in moved slots, ``[V, V]`` each.
        headline: the column that settles it where every variant is beaten by another, in a circle.

    A variant is beaten by another that is really better in one thing and really worse in none, by what a verdict needs:
    the floor of the metric, and an interval that is corrected for the number of pairs. What cannot be told apart is
    beaten by nobody. A variant that lacks a time where others have one is not on the front, and beats nobody: it was
    not measured.
    """
    times = _faster(table)
    known = table["time_ratio"].notna().to_numpy()
    complete = known if known.any() else np.ones(len(table), dtype=bool)
    above = np.logical_or.reduce([*relations, times])
    below = np.logical_or.reduce([*(relation.T for relation in relations), times.T])
    beats = above & ~below & complete[:, None]
    front: NDArray[np.bool_] = complete & ~beats.any(axis=0)
    if not front.any() and complete.any():
        front[int(np.nanargmax(np.where(complete, table[headline].to_numpy(dtype=float), np.nan)))] = True
    return front


def _faster(table: pd.DataFrame) -> Relation:
    """Return which variant is really faster than which, from ratios to one reference and their intervals."""
    from scipy.special import ndtr

    with np.errstate(invalid="ignore", divide="ignore"):
        log_V = np.log(table["time_ratio"].to_numpy(dtype=float))
        error_V = error_of(*(np.log(table[f"time_ratio_{end}"].to_numpy(dtype=float)) for end in ("low", "high")))
        difference = log_V[:, None] - log_V[None, :]
        p = 2 * ndtr(-np.abs(difference) / np.hypot(error_V[:, None], error_V[None, :]))
    size = len(table)
    units = np.where(table["time_rounds"].to_numpy() >= FEWEST, np.inf, 0.0)
    pairs = Pairs(difference, p * max(size * (size - 1) // 2, 1), np.minimum(units[:, None], units[None, :]))
    return better(pairs, LOG_TIME_RATIO)
