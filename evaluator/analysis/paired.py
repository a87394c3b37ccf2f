"""Two things on the same windows: by how much they differ, and what that allows to be said.

Every verdict of the bench is formed here: on a difference by ``verdict_on``, on a ratio of times by
``verdict_on_time``. The judge, the comparison and the ablation bring the series.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eplb_variants.loads import FloatArray
from evaluator.analysis.columns import HEADLINE, METRICS, TIME_RATIO, Metric
from evaluator.analysis.statistics import (
    BETTER,
    FEWEST,
    FEWEST_UNITS,
    LEVEL,
    SAME,
    UNSURE,
    WORSE,
    Estimate,
    Traces,
    mean_of_series,
)

TIE_DIGITS = 9
TIE = 10.0**-TIE_DIGITS
"""Balancedness: less apart is equal. The same placement with its GPUs in another order sums up differently by 1e-16."""

TIME_WORDS = {BETTER: "faster", WORSE: "slower"}
"""What verdicts on time are called; the others keep their words."""


class Paired(NamedTuple):
    """The mean difference of two series, and what it allows to be said by itself, without a correction."""

    difference: Estimate
    verdict: str


def paired(own: Traces, base: Traces, metric: Metric = METRICS[HEADLINE]) -> Paired:
    """Return how a series differs from the one that it is compared with.

    Args:
        own: values by window, by stratum (a workload on a topology) and trace (seed); NaN where not measured.
        base: of the reference, on the same windows.
        metric: what the values are of.
    """
    return judged(differences(own, base), metric)


def judged(series: Traces, metric: Metric) -> Paired:
    """Return the mean of differences that were taken before, such as contrasts of factors, and its verdict."""
    difference = mean_of_series(series)
    return Paired(difference, verdict_on(difference, metric))


def differences(own: Traces, base: Traces) -> list[list[FloatArray]]:
    """Return the differences window by window; NaN where either side was not measured."""
    return [[ours - theirs for ours, theirs in zip(*stratum, strict=True)] for stratum in zip(own, base, strict=True)]


def improvement(series: Traces) -> Estimate:
    """Return the probability that a difference of ``series`` is above 0, ties counted half.

    This is the probability of improvement P(X > Y) of Agarwal et al. (2021), on paired windows instead of all pairs of
    runs: two variants on the same window differ by far less than two windows do.
    """
    share = mean_of_series(
        [[0.5 + 0.5 * np.sign(np.where(np.abs(trace) < TIE, 0.0, trace)) for trace in stratum] for stratum in series]
    )
    return share._replace(low=float(np.clip(share.low, 0, 1)), high=float(np.clip(share.high, 0, 1)))


def verdict_on(estimate: Estimate, metric: Metric = METRICS[HEADLINE], p: float | None = None) -> str:
    """Return what an estimate allows to be said: better, worse, no difference, or too few to say.

    Args:
        estimate: a mean difference, or a ratio.
        metric: what it is of.
        p: its p-value where that was corrected for other comparisons beside it; its interval decides where it is None.

    A difference must reach the floor of its metric and be told from chance. Where too few pieces are independent,
    nothing is said; nor where a difference that stands by itself fails the correction for want of pieces.
    """
    if np.isnan(estimate.low) or estimate.units < FEWEST_UNITS:
        return UNSURE
    by_itself = not estimate.low <= metric.neutral <= estimate.high
    if abs(estimate.value - metric.neutral) < metric.floor or not by_itself:
        return SAME
    if p is not None and p > 1 - LEVEL:
        return UNSURE if estimate.units < FEWEST else SAME
    return BETTER if (estimate.value > metric.neutral) == metric.more_is_better else WORSE


def corrected(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for there being so many of them, after Holm (1979); NaN stay and do not count."""
    p = np.array(p_values, dtype=float)
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]
    steps = np.minimum(p[order] * np.arange(len(order), 0, -1), 1.0)
    p[order] = np.maximum.accumulate(steps)
    return [float(value) for value in p]


def verdict_on_time(ratio: Estimate, p: float | None = None) -> str:
    """Return what the ratio of a time to the reference's allows to be said, less being better; see ``verdict_on``."""
    return UNSURE if ratio.num < FEWEST else verdict_on(ratio, TIME_RATIO, p)
