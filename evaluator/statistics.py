"""Differences that can be believed: means and ratios with bootstrap intervals, and what they allow to be said.

Windows of one series follow each other in time and are not independent, so they are resampled in blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eplb_variants.loads import FloatArray

LEVEL = 0.95
RESAMPLES = 2000
"""Enough for the ends of a 95% interval to move by less than a twentieth of its width."""

BALANCE_FLOOR = 1e-3
"""Balancedness: less is no difference, however sure. On a recorded load, the order in which exact ties are broken moves
the mean of 31 windows by 0.0003, to either side depending on the interval: such a difference is an accident."""
TIME_FLOOR = 0.02
"""Relative wall time: less is no difference, however sure."""

FEWEST = 5
"""Windows or rounds below which an interval is shown, but nothing is said: the bootstrap of so few is too narrow."""

BETTER, WORSE, SAME, UNSURE = "better", "worse", "no difference", "too few windows"


class Estimate(NamedTuple):
    """A value with its 95% interval; the interval is NaN where there is too little to resample."""

    value: float
    low: float
    high: float
    num: int
    """Windows or rounds that it rests on."""


def mean_of_series(series: Sequence[FloatArray], seed: int = 0) -> Estimate:
    """Return the mean over all windows of several series, with a stratified block-bootstrap interval.

    Args:
        series: values by window, one array a series (a workload and seed); NaN are left out.
        seed: of the resampling.

    Blocks are circular, of the cube root of the series' length, after the usual rule for means.
    """
    kept = [values[~np.isnan(values)] for values in series]
    kept = [values for values in kept if values.size]
    count = sum(values.size for values in kept)
    if count == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    mean = float(np.concatenate(kept).mean())
    if count < 2 or max(values.size for values in kept) < 2:
        return Estimate(mean, float("nan"), float("nan"), count)
    generator = np.random.default_rng(seed)
    sums = np.zeros(RESAMPLES)
    for values in kept:
        sums += values[_block_indices(values.size, generator)].sum(axis=1)
    low, high = _ends(sums / count)
    return Estimate(mean, low, high, count)


def median_ratio(times: FloatArray, reference: FloatArray, seed: int = 0) -> Estimate:
    """Return the median of paired ratios ``times / reference``, with a paired bootstrap interval over rounds."""
    logs = np.log(times) - np.log(reference)
    if logs.size == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    generator = np.random.default_rng(seed)
    medians = np.median(logs[generator.integers(0, logs.size, (RESAMPLES, logs.size))], axis=1)
    low, high = _ends(medians)
    return Estimate(float(np.exp(np.median(logs))), float(np.exp(low)), float(np.exp(high)), logs.size)


def judge_difference(difference: Estimate, floor: float = BALANCE_FLOOR) -> str:
    """Return what a difference to the reference (more is better) allows to be said."""
    if np.isnan(difference.low) or difference.num < FEWEST:
        return UNSURE
    if abs(difference.value) < floor or difference.low <= 0 <= difference.high:
        return SAME
    return BETTER if difference.value > 0 else WORSE


def judge_ratio(ratio: Estimate, floor: float = TIME_FLOOR) -> str:
    """Return what a ratio of times to the reference (less is better) allows to be said."""
    if np.isnan(ratio.low):
        return UNSURE
    if abs(ratio.value - 1) < floor or ratio.low <= 1 <= ratio.high:
        return SAME
    return BETTER if ratio.value < 1 else WORSE


def _block_indices(size: int, generator: np.random.Generator) -> np.ndarray:
    """Return ``[RESAMPLES, size]`` indices made of circular blocks."""
    length = max(1, round(size ** (1 / 3)))
    starts = generator.integers(0, size, (RESAMPLES, -(-size // length)))
    return ((starts[:, :, None] + np.arange(length)) % size).reshape(RESAMPLES, -1)[:, :size]


def _ends(resampled: FloatArray) -> tuple[float, float]:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)
