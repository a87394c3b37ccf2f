"""What a load looks like in a few numbers: the ones by which synthetic scenarios are held to real recordings.

Shapes: W windows, L layers, E logical experts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eplb_variants.loads import FloatArray, IntArray


class LoadStatistics(NamedTuple):
    """Means over windows and over the layers that have load."""

    gini: float
    """Inequality of the experts, 0 (equal) to 1."""
    max_over_mean: float
    """Hottest expert over the mean expert."""
    zero_share: float
    """Share of experts without load."""
    group_max_over_mean: float
    """Hottest group over the mean group."""
    rank_max_over_mean: float
    """Hottest of ``num_ranks`` GPUs over the mean GPU if experts are placed in order without replicas."""


def describe(windows_WLE: IntArray, num_groups: int = 1, num_ranks: int = 1) -> LoadStatistics:
    """Return the statistics of ``windows [W, L, E]``; groups and ranks must divide the experts."""
    load = windows_WLE[windows_WLE.any(axis=2)].astype(float)
    num_rows, num_experts = load.shape
    gini = gini_of(load)

    def peak(parts: int) -> float:
        part = load.reshape(num_rows, parts, -1).sum(axis=2)
        return float((part.max(axis=1) / part.mean(axis=1)).mean())

    return LoadStatistics(
        float(gini.mean()), peak(num_experts), float((load == 0).mean()), peak(num_groups), peak(num_ranks)
    )


def gini_of(load: IntArray | FloatArray) -> FloatArray:
    """Return the Gini coefficient of the last axis; NaN where there is no load."""
    num_experts = load.shape[-1]
    ascending = np.sort(load.astype(float), axis=-1)
    weight = 2 * np.arange(1, num_experts + 1) - num_experts - 1
    with np.errstate(invalid="ignore"):
        gini: FloatArray = (ascending * weight).sum(axis=-1) / (num_experts * ascending.sum(axis=-1))
    return gini


def lag_correlation(windows_WLE: IntArray, lag: int) -> float:
    """Return the Pearson correlation of the experts' loads ``lag`` windows apart, averaged over layers and windows.

    NaN where no layer has unequal loads.
    """
    load: FloatArray = windows_WLE[:, windows_WLE.any(axis=(0, 2))].astype(float)
    centred = load - load.mean(axis=2, keepdims=True)
    norm = np.sqrt((centred**2).sum(axis=2))
    product = (centred[lag:] * centred[:-lag]).sum(axis=2)
    scale = norm[lag:] * norm[:-lag]
    unequal = scale > 1e-9 * np.maximum(load.sum(axis=2)[lag:] ** 2, 1)
    return float((product[unequal] / scale[unequal]).mean()) if unequal.any() else float("nan")
