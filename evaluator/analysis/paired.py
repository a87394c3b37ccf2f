"""Two things on the same windows: by how much they differ, and what that allows to be said.

Every verdict of the bench is formed here: on a difference by ``verdict_on``, on a ratio of times by
``verdict_on_time``. The judge, the comparison and the ablation bring the series.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eplb_variants.loads import FloatArray
from evaluator.analysis.columns import HEADLINE, METRICS, TIME_RATIO, Metric
from evaluator.analysis.statistics import BETTER, FEWEST, SAME, UNSURE, WORSE, Estimate, Traces, mean_of_series

TIE_DIGITS = 9
TIE = 10.0**-TIE_DIGITS
"""Balancedness: less apart is equal. The same placement with its GPUs in another order sums up differently by 1e-16."""

TIME_WORDS = {BETTER: "faster", WORSE: "slower"}
"""What verdicts on time are called; the others keep their words."""


class Paired(NamedTuple):
    """The mean difference of two series, and what it allows to be said."""

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


def improvement(own: Traces, base: Traces) -> Estimate:
    """Return the probability that a series is above the other one on a window, ties counted half.

    This is the probability of improvement P(X > Y) of Agarwal et al. (2021), on paired windows instead of all pairs of
    runs: two variants on the same window differ by far less than two windows do.
    """
    return mean_of_series(
        [
            [0.5 + 0.5 * np.sign(np.where(np.abs(trace) < TIE, 0.0, trace)) for trace in stratum]
            for stratum in differences(own, base)
        ]
    )


def verdict_on(estimate: Estimate, metric: Metric = METRICS[HEADLINE]) -> str:
    """Return what an estimate allows to be said: better, worse, no difference, or too few to say.

    A difference needs an interval that excludes the neutral value, and must reach the floor of its metric.
    """
    if np.isnan(estimate.low) or estimate.num < FEWEST:
        return UNSURE
    if abs(estimate.value - metric.neutral) < metric.floor or estimate.low <= metric.neutral <= estimate.high:
        return SAME
    return BETTER if (estimate.value > metric.neutral) == metric.more_is_better else WORSE


def verdict_on_time(ratio: Estimate) -> str:
    """Return what the ratio of a time to the reference's allows to be said; less is better."""
    return verdict_on(ratio, TIME_RATIO)
