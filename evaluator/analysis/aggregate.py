"""Across workloads: interquartile mean, optimality gap and performance profiles, with intervals.

What Agarwal et al. recommend for few runs on many tasks ("Deep Reinforcement Learning at the Edge of the Statistical
Precipice", NeurIPS 2021): a task is here a workload on a topology (a stratum), a run is a trace of it (a seed), and the
score of a run is its mean balancedness over windows. Balancedness is between 0 and 1 on every load and 1 is perfect on
every load, so scores are taken as they are: to stretch each stratum between a floor and a best variant would make
a workload on which nothing can be gained weigh as much as one on which balancers differ.

The authors' library, rliable, is not used. It resamples runs as if they were independent of each other and takes one
number for each, while a trace here is a series of windows that follow each other and is often the only one of its
stratum; variants are paired, which it cannot use; its last release (1.2.0, 2024) needs arch below version 8, and
seaborn and statsmodels with it. ``scipy.stats.bootstrap`` knows neither strata nor blocks. So the resampling is that of
``evaluator.analysis.statistics``; the interquartile mean is ``scipy.stats.trim_mean``'s (a test holds it), without the
second that importing it takes.

Shapes: R resamples, C cells of a variant, K thresholds, W windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from eplb_variants.loads import FloatArray, IntArray
from evaluator.analysis.alignment import SERIES, align
from evaluator.analysis.statistics import (
    LEVEL,
    can_be_resampled,
    drawn_windows,
    known,
    quantile_interval,
    resampled_means,
)
from evaluator.analysis.summary import headline_of

PERFECT = 1.0
"""Balancedness below which a cell adds to the optimality gap."""
NUM_THRESHOLDS = 121
BAND_RESAMPLES = 500
"""Resamples behind the band of a profile: a picture shows no more."""


class Profile(NamedTuple):
    """The share of windows with balancedness above each threshold, and the 95% band of each share: ``[K]`` each."""

    share: FloatArray
    low: FloatArray
    high: FloatArray


def comparable(good: pd.DataFrame, reference: str) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows of the variants that have every trace of the reference, on these, and the other variants.

    A variant that lacks a trace is left out: what is left of it would be aggregated over other loads.
    """
    wanted = good.loc[good["variant"] == reference, SERIES].drop_duplicates()
    shared = good.merge(wanted, on=SERIES)
    have = shared.drop_duplicates(["variant", *SERIES])["variant"].value_counts()
    complete = have.index[have == len(wanted)]
    left_out = sorted(set(good["variant"]) - set(complete))
    return shared[shared["variant"].isin(complete)], left_out


def aggregate(good: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Return one row per comparable variant, best interquartile mean first.

    Args:
        good: rows by window of cells that went well.
        reference: variant that differences are to, and whose traces are aggregated over.

    Columns: ``iqm`` the interquartile mean over cells of a cell's mean balancedness over windows; ``iqm_difference``
    that of the variant less that of the reference; ``gap`` the optimality gap, the mean over cells of what a cell lacks
    to perfect balance; each with ``_low`` and ``_high``, its 95% interval, NaN where there is nothing to resample;
    ``cells`` and ``strata``. Every cell weighs the same, however many windows it has.
    """
    shared, _ = comparable(good, reference)
    aligned = align(shared, headline_of(shared))
    scores = {name: _scores(aligned.series(name)) for name in aligned.variants}
    base = scores[reference]
    rows = []
    for name, own in scores.items():
        row: dict[str, object] = {"variant": name}
        for column, value, draws_R in (
            ("iqm", own.iqm, own.iqm_draws),
            ("iqm_difference", own.iqm - base.iqm, own.iqm_draws - base.iqm_draws),
            ("gap", own.gap, own.gap_draws),
        ):
            low, high = quantile_interval(draws_R) if draws_R.size else (float("nan"), float("nan"))
            row |= {column: value, f"{column}_low": low, f"{column}_high": high}
        rows.append(row | {"cells": own.cells, "strata": own.strata})
    return pd.DataFrame(rows).sort_values("iqm", ascending=False, kind="stable", ignore_index=True)


def interquartile_mean(scores: FloatArray) -> FloatArray:
    """Return the mean of the middle half of scores ``[..., C]`` over the last axis, ``[...]``.

    A quarter of the scores, rounded down, is left out at each end: of fewer than four it is the mean.
    """
    cut = scores.shape[-1] // 4
    ordered = np.sort(scores, axis=-1)
    means: FloatArray = ordered[..., cut : scores.shape[-1] - cut].mean(axis=-1)
    return means


def optimality_gap(scores: FloatArray, target: float = PERFECT) -> FloatArray:
    """Return the mean over the last axis of what scores ``[..., C]`` lack to a target; more than it lacks nothing."""
    gaps: FloatArray = np.maximum(target - scores, 0.0).mean(axis=-1)
    return gaps


def thresholds_of(good: pd.DataFrame) -> FloatArray:
    """Return thresholds ``[K]`` from below the least balancedness to 1."""
    least = float(good[headline_of(good)].min())
    return np.linspace(max(0.0, np.floor(least * 20 - 0.5) / 20), PERFECT, NUM_THRESHOLDS)


def profile(series: Sequence[Sequence[FloatArray]], thresholds_K: FloatArray, seed: int = 0) -> Profile:
    """Return the performance profile of a variant.

    Args:
        series: balancedness by window, by stratum and trace, as ``Alignment.split`` returns it; NaN are left out.
        thresholds_K: ascending.
        seed: of the resampling.

    The share is of the windows of a stratum, averaged over strata: every workload weighs the same. Dolan and Moré
    (2002) draw such curves over problems; Agarwal et al. over runs and tasks, with a band as here, point by point.
    """
    generator = np.random.default_rng(seed)
    exact_SK, drawn_SRK = [], []
    for traces in known(series):
        passed = [np.searchsorted(thresholds_K, trace) for trace in traces]  # how many thresholds each window is above
        windows = drawn_windows([trace.size for trace in traces], BAND_RESAMPLES, generator)
        keys = [
            (resample[:, None] * (len(thresholds_K) + 1) + numbers[indices]).ravel()
            for numbers, (resample, indices) in zip(passed, windows, strict=True)
        ]
        exact_SK.append(_above(np.concatenate(passed), 1, len(thresholds_K))[0])
        drawn_SRK.append(_above(np.concatenate(keys), BAND_RESAMPLES, len(thresholds_K)))
    drawn_RK = np.mean(drawn_SRK, axis=0)
    low_K, high_K = np.quantile(drawn_RK, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Profile(np.mean(exact_SK, axis=0), low_K, high_K)


def _above(keys: IntArray, rows: int, thresholds: int) -> FloatArray:
    """Return the share of each row's windows above each threshold, ``[rows, K]``, from ``row * (K + 1) + passed``."""
    counts = np.bincount(keys, minlength=rows * (thresholds + 1)).reshape(rows, thresholds + 1)
    above = counts[:, :0:-1].cumsum(axis=1)[:, ::-1]
    shares: FloatArray = above / counts.sum(axis=1, keepdims=True)
    return shares


class _Scores(NamedTuple):
    """What a variant's cells come to, and to what when resampled: ``[R]``, or ``[0]`` with nothing to resample."""

    iqm: float
    iqm_draws: FloatArray
    gap: float
    gap_draws: FloatArray
    cells: int
    strata: int


def _scores(series: Sequence[Sequence[FloatArray]]) -> _Scores:
    strata = known(series)
    means_C = np.array([trace.mean() for traces in strata for trace in traces])
    drawn_RC = resampled_means(strata) if can_be_resampled(strata) else np.empty((0, means_C.size))
    return _Scores(
        float(interquartile_mean(means_C)),
        interquartile_mean(drawn_RC),
        float(optimality_gap(means_C)),
        optimality_gap(drawn_RC),
        means_C.size,
        len(strata),
    )
