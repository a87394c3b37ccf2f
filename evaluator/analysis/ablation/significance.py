"""How surprising a mean would be if there were no effect, with the dependence between windows respected.

Windows of one trace resemble each other, so they are not what is counted: traces are, where there are several, and
blocks of windows where there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eplb_variants.loads import FloatArray
from evaluator.analysis.statistics import Traces, block_length, known


class Significance(NamedTuple):
    """A two-sided test of a mean against nought."""

    p: float
    """NaN where there is nothing to tell an effect from chance by: one window of one trace."""
    df: float
    """Degrees of freedom: about the number of independent units, less one for each stratum."""


class _Mean(NamedTuple):
    value: float
    variance: float
    df: float
    num: int


def significance_of(series: Traces) -> Significance:
    """Return the test of a mean over strata against nought.

    Args:
        series: by stratum (a workload), the values by window of each trace (seed); NaN are left out.

    The unit is a trace where its stratum has several, by its mean over windows. Where it has one, the unit is a block
    of consecutive windows, of the length that intervals are resampled in: the variance of the mean is that of the
    circular block bootstrap, corrected for its mean being estimated. It then speaks of that trace alone, and is a
    little too sure where windows stay alike for longer than a block. Strata are added up with their numbers of
    windows; degrees of freedom are Satterthwaite's, and the distribution Student's.
    """
    from scipy.stats import t

    means = [_of_traces(traces) if len(traces) > 1 else _of_blocks(traces[0]) for traces in known(series)]
    num = sum(mean.num for mean in means)
    if num == 0:
        return Significance(float("nan"), 0.0)
    weights = np.array([mean.num / num for mean in means])
    variances = weights**2 * [mean.variance for mean in means]
    value, variance = float(weights @ [mean.value for mean in means]), float(variances.sum())
    if np.isnan(variance):
        return Significance(float("nan"), 0.0)
    if variance == 0:
        return Significance(1.0 if value == 0 else 0.0, float(sum(mean.df for mean in means)))
    df = variance**2 / float((variances**2 / [mean.df for mean in means]).sum())
    return Significance(float(2 * t.sf(abs(value) / np.sqrt(variance), df)), df)


def _of_traces(traces: Sequence[FloatArray]) -> _Mean:
    means_T = np.array([trace.mean() for trace in traces])
    num = sum(trace.size for trace in traces)
    return _Mean(float(means_T.mean()), float(means_T.var(ddof=1)) / len(traces), len(traces) - 1, num)


def _of_blocks(trace: FloatArray) -> _Mean:
    size, length = trace.size, block_length(trace.size)
    if size <= length:
        return _Mean(float(trace.mean()), float("nan"), 0, size)
    index = (np.arange(size)[:, None] + np.arange(length)) % size
    variance = trace[index].mean(axis=1).var() * length / (size - length)
    return _Mean(float(trace.mean()), float(variance), size / length - 1, size)
