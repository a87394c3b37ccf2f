"""Every variant beside every other one: which are really better, and the places that follow.

The differences are those of ``paired``, of all pairs at once; a p-value is multiplied by the number of pairs
(Bonferroni), for of twenty equal variants the best and the worst differ by chance.

Shapes: V variants, W windows, K traces of a stratum, S strata.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eplb_variants.loads import FloatArray
from evaluator.analysis.alignment import Alignment
from evaluator.analysis.columns import Metric
from evaluator.analysis.statistics import FEWEST_UNITS, LEVEL, ROUNDING, variance_of_mean

Relation = NDArray[np.bool_]
"""``[V, V]``: whether the variant of a row has something over that of a column."""


class Pairs(NamedTuple):
    """The mean difference of each variant to each other one: ``[V, V]`` each, the row's less the column's."""

    difference: FloatArray
    p: FloatArray
    """Two-sided, corrected for the number of pairs; NaN where there is too little to tell chance by."""
    units: FloatArray
    """Independent pieces that it rests on."""


def all_pairs(aligned: Alignment, names: Sequence[str]) -> Pairs:
    """Return what ``mean_of_series`` finds of the difference of each variant to each other one.

    Args:
        aligned: a metric by window.
        names: the variants that are compared; windows that one of them lacks are left out.
    """
    from scipy.special import stdtr

    values_WV = np.column_stack([aligned.of(name) for name in names])
    whole_W = np.flatnonzero(~np.isnan(values_WV).any(axis=1))
    strata = [
        [values_WV[whole_W[(whole_W >= trace.start) & (whole_W < trace.stop)]] for trace in traces]
        for traces in aligned.traces
    ]
    strata = [kept for stratum in strata if (kept := [trace for trace in stratum if len(trace)])]
    size = len(names)
    if not strata:
        unknown = np.full((size, size), np.nan)
        return Pairs(unknown, unknown, np.zeros((size, size)))
    parts = [_of_traces(stratum) if len(stratum) > 1 else _of_windows(stratum[0]) for stratum in strata]
    difference, variances, dfs = (np.array(arrays) for arrays in zip(*parts, strict=True))
    difference, variances = difference.mean(axis=0), variances / len(strata) ** 2
    variance, weight = variances.sum(axis=0), (variances**2 / dfs).sum(axis=0)
    df = np.divide(variance**2, weight, out=dfs.sum(axis=0), where=weight > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stdtr(df, -np.abs(difference) / np.sqrt(variance))
    p = np.where(variance == 0, (difference == 0).astype(float), p)
    return Pairs(difference, np.minimum(p * max(size * (size - 1) // 2, 1), 1.0), np.where(np.isnan(p), 0.0, df + 1))


def better(pairs: Pairs, metric: Metric) -> Relation:
    """Return which variants are really better than which: by the floor of the metric, and not by chance."""
    ahead = pairs.difference * metric.sign >= metric.floor
    known = pairs.units >= FEWEST_UNITS
    with np.errstate(invalid="ignore"):
        return ahead & known & (pairs.p <= 1 - LEVEL)


def places(above: Relation) -> FloatArray:
    """Return the place of each variant: one more than there are variants really better than it."""
    return 1.0 + above.sum(axis=0)


def _of_traces(stratum: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return differences, variances and degrees of freedom, ``[V, V]`` each, from traces ``[W, V]``."""
    means_KV = np.array([trace.mean(axis=0) for trace in stratum])
    off_KV = means_KV - means_KV.mean(axis=0)
    num = len(stratum)
    variance = _of_differences(off_KV.T @ off_KV) / (num - 1) / num
    return _differences(means_KV.mean(axis=0)), variance, np.full(variance.shape, num - 1.0)


def _of_windows(trace_WV: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    mean_V = trace_WV.mean(axis=0)
    difference = _differences(mean_V)
    if len(trace_WV) < 2:
        return difference, np.full(difference.shape, np.nan), np.zeros(difference.shape)
    off_WV = trace_WV - mean_V
    square = _of_differences(off_WV.T @ off_WV)
    lagged = _of_differences(off_WV[1:].T @ off_WV[:-1])
    return difference, *variance_of_mean(square, lagged, len(trace_WV))


def _differences(mean_V: FloatArray) -> FloatArray:
    return mean_V[:, None] - mean_V[None, :]


def _of_differences(products: FloatArray) -> FloatArray:
    """Return the products of differences from those of variants: ``(a - b)(a' - b')`` summed.

    What is left of large products that cancel each other is nothing.
    """
    own = np.diagonal(products)
    large = own[:, None] + own[None, :]
    found = large - products - products.T
    return np.where(np.abs(found) < 1e-12 * np.abs(large) + ROUNDING, 0.0, found)
