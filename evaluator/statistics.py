"""Differences that can be believed: means and ratios with bootstrap intervals, and what they allow to be said.

Windows of one series follow each other in time and are not independent, so they are resampled in blocks; traces of
several seeds are resampled as wholes first.
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

BETTER, WORSE, SAME, UNSURE = "better", "worse", "no difference", "too few to say"


class Estimate(NamedTuple):
    """A value with its 95% interval; the interval is NaN where there is too little to resample."""

    value: float
    low: float
    high: float
    num: int
    """Windows or rounds that it rests on."""


def mean_of_series(series: Sequence[FloatArray | Sequence[FloatArray]], seed: int = 0) -> Estimate:
    """Return the mean over all windows of several series, with a stratified, clustered block-bootstrap interval.

    Args:
        series: a stratum each (a workload on a topology): the values by window of its one trace, or of several traces
            (seeds); NaN are left out.
        seed: of the resampling.

    Windows of a trace follow each other and are resampled in circular blocks of the cube root of its length, after the
    usual rule for means. Where a stratum has several traces, traces are resampled first: windows of one trace can agree
    with each other more than with those of the next. With one trace the interval speaks of that trace alone.
    """
    strata = [[_known(trace) for trace in ([s] if isinstance(s, np.ndarray) else s)] for s in series]
    strata = [[trace for trace in traces if trace.size] for traces in strata]
    strata = [traces for traces in strata if traces]
    count = sum(trace.size for traces in strata for trace in traces)
    if count == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    mean = float(np.concatenate([trace for traces in strata for trace in traces]).mean())
    if all(len(traces) == 1 and traces[0].size == 1 for traces in strata):
        return Estimate(mean, float("nan"), float("nan"), count)
    generator = np.random.default_rng(seed)
    sums, sizes = (sum(parts) for parts in zip(*(_resample(traces, generator) for traces in strata), strict=True))
    low, high = _ends(np.asarray(sums) / np.asarray(sizes))
    return Estimate(mean, low, high, count)


def _known(values: FloatArray) -> FloatArray:
    return values[~np.isnan(values)]


def _resample(traces: Sequence[FloatArray], generator: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return sums and numbers of windows, ``[RESAMPLES]`` each, of a stratum resampled by traces and blocks."""
    chosen = np.zeros((RESAMPLES, len(traces)), dtype=np.int64)
    if len(traces) > 1:
        chosen = generator.integers(0, len(traces), chosen.shape)
    sums, sizes = np.zeros(RESAMPLES), np.zeros(RESAMPLES)
    for number, trace in enumerate(traces):
        resample = np.nonzero(chosen == number)[0]  # once for each time that the trace was drawn
        drawn = trace[_block_indices(trace.size, resample.size, generator)].sum(axis=1)
        sums += np.bincount(resample, weights=drawn, minlength=RESAMPLES)
        sizes += trace.size * np.bincount(resample, minlength=RESAMPLES)
    return sums, sizes


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
    if np.isnan(ratio.low) or ratio.num < FEWEST:
        return UNSURE
    if abs(ratio.value - 1) < floor or ratio.low <= 1 <= ratio.high:
        return SAME
    return BETTER if ratio.value < 1 else WORSE


def block_length(size: int) -> int:
    """Return how many consecutive windows of a trace of ``size`` are resampled as one."""
    return max(1, round(size ** (1 / 3)))


def _block_indices(size: int, resamples: int, generator: np.random.Generator) -> np.ndarray:
    """Return ``[resamples, size]`` indices made of circular blocks."""
    length = block_length(size)
    starts = generator.integers(0, size, (resamples, -(-size // length)))
    return ((starts[:, :, None] + np.arange(length)) % size).reshape(resamples, -1)[:, :size]


def _ends(resampled: FloatArray) -> tuple[float, float]:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)
