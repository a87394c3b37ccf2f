"""Means with Student's intervals over independent pieces, ratios of times, and what resampling needs.

Windows of one trace follow each other in time and are not independent; windows of one trace can agree with each other
more than with those of the next. So what is counted is not rows: it is traces, and of a single trace the number of
independent windows that its own are worth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eplb_variants.loads import FloatArray

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.95
RESAMPLES = 2000
"""Enough for the ends of a 95% interval to move by less than a twentieth of its width."""

FEWEST = 5
"""Rounds below which a ratio of times is shown without a verdict: the bootstrap of so few is too narrow."""
FEWEST_UNITS = 3
"""Independent pieces below which a mean is shown without a verdict: Student's interval of two holds for normal
differences alone, and is twelve times as wide as their distance."""
ROUNDING = 1e-22
"""Sums of squares below this are what rounding leaves of equal values."""
MOST_ALIKE = 0.95
"""The highest autocorrelation that is believed of a trace; what is higher cannot be told from a drift."""

BETTER, WORSE, SAME, UNSURE = "better", "worse", "no difference", "too few to say"


Traces = Sequence[Sequence[FloatArray]]
"""By stratum (a workload on a topology): the values by window of each of its traces (seeds)."""
Series = Traces | Sequence[FloatArray]
"""The same; of strata with one trace each, the trace itself will do."""


MISSING = "-"
"""In place of a number that there is none of."""


def number(value: Any, form: str = ".4f") -> str:
    """Return a number as text; a dash where it is missing. Zero has no minus before it."""
    try:
        missing = value is None or np.isnan(float(value))
    except TypeError:  # what a frame has where nothing is known
        missing = True
    if missing:
        return MISSING
    text = format(value, form)
    is_zero = text.startswith("-") and not text.strip("-0.%")
    return text.replace("-", "+" if "+" in form else "") if is_zero else text


class Estimate(NamedTuple):
    """A value with its 95% interval; the interval is NaN where there is too little to tell chance by."""

    value: float
    low: float
    high: float
    num: int
    """Windows or rounds that it rests on."""
    units: float = float("inf")
    """Independent pieces that the interval rests on: degrees of freedom, and one; infinite where nobody counts them."""
    p: float = float("nan")
    """Two-sided probability of a value this far from 0, or farther, if it were 0; NaN where there is no interval."""

    def text(self, form: str) -> str:
        """Return it in words: without the interval where there is none, and a dash where there is nothing."""
        value, low, high = (number(end, form) for end in self[:3])
        return value if MISSING in (value, low, high) else f"{value} [{low}, {high}]"


class Mean(NamedTuple):
    """A mean, its variance (NaN where nothing tells it) and the degrees of freedom of that."""

    value: float
    variance: float
    df: float


def mean_of_series(series: Series) -> Estimate:
    """Return the mean over several series, every stratum weighing the same, with Student's 95% interval.

    Args:
        series: a stratum each (a workload on a topology): the values by window of its one trace, or of several traces
            (seeds); NaN are left out.

    A stratum with several traces is the mean of their means, and its variance is that between them: it speaks of
    further traces of its kind. One with a single trace has the variance of a mean of autocorrelated windows, and
    speaks of that trace alone. Strata are fixed: their variances add up, with Satterthwaite's degrees of freedom.
    There is no interval where a stratum has one window.
    """
    strata = known(series)
    if not strata:
        return Estimate(float("nan"), float("nan"), float("nan"), 0, 0.0)
    means = [_of_traces(traces) if len(traces) > 1 else _of_windows(traces[0]) for traces in strata]
    num = sum(trace.size for traces in strata for trace in traces)
    return mean_of_means(means, num)


def mean_of_means(means: Sequence[Mean], num: int) -> Estimate:
    """Return the plain mean of independent means, one or more, with Student's interval and test against 0.

    Args:
        means: of what was asked for, not a sample of others: their variances add up, with the degrees of freedom of
            Welch and Satterthwaite (1946).
        num: windows or rounds that they rest on.
    """
    from scipy.special import stdtr, stdtrit

    value = float(np.mean([mean.value for mean in means]))
    variances = np.array([mean.variance for mean in means]) / len(means) ** 2
    variance, dfs = float(variances.sum()), np.array([mean.df for mean in means])
    if np.isnan(variance):
        return Estimate(value, float("nan"), float("nan"), num, 0.0)
    if variance == 0:
        return Estimate(value, value, value, num, float(dfs.sum()) + 1, 1.0 if value == 0 else 0.0)
    df = variance**2 / float((variances**2 / dfs).sum())
    error = float(np.sqrt(variance))
    reach = float(stdtrit(df, (1 + LEVEL) / 2)) * error
    return Estimate(value, value - reach, value + reach, num, df + 1, float(2 * stdtr(df, -abs(value) / error)))


def _of_traces(traces: Sequence[FloatArray]) -> Mean:
    means_T = np.array([trace.mean() for trace in traces])
    return Mean(float(means_T.mean()), float(means_T.var(ddof=1)) / len(traces), len(traces) - 1)


def _of_windows(trace: FloatArray) -> Mean:
    mean = float(trace.mean())
    if trace.size < 2:
        return Mean(mean, float("nan"), 0.0)
    off = trace - mean
    variance, df = variance_of_mean(off @ off, off[1:] @ off[:-1], trace.size)
    return Mean(mean, float(variance), float(df))


def variance_of_mean(square: ArrayLike, lagged: ArrayLike, size: int) -> tuple[FloatArray, FloatArray]:
    """Return the variance of the mean of windows that follow each other, and its degrees of freedom.

    Args:
        square: the sum of the squares of what windows are off their mean; any shape.
        lagged: that of the products of what neighbours are; the same shape.
        size: windows, 2 or more.

    Windows are taken for an autoregression of first order. Its autocorrelation is that at lag 1, without the bias that
    it has in short series (Kendall, 1954: -(1 + 3 r)/size); a negative one is taken as 0. Of it follow the number of
    independent windows that these are worth, and by how much their variance falls short for being taken around their
    own mean. Where a load drifts for longer than the trace is, no short trace can tell, and the variance is too small.
    """
    square, lagged = np.asarray(square, dtype=float), np.asarray(lagged, dtype=float)
    square = np.where(square < ROUNDING, 0.0, square)
    alike = np.divide(lagged, square, out=np.full(square.shape, -1.0), where=square > 0)
    alike = np.clip(alike + (1 + 3 * alike) / size, 0.0, MOST_ALIKE)
    inflation = np.ones_like(alike)
    for lag in range(1, size):
        inflation += 2 * (1 - lag / size) * alike**lag
    variance = square / (size - 1) / np.maximum(1 - (inflation - 1) / (size - 1), 1 / size)
    worth = np.maximum(size / inflation, 2.0)
    return variance / worth, worth - 1


def known(series: Series) -> list[list[FloatArray]]:
    """Return series by stratum and trace, without NaN and without what is empty then."""
    strata = [[trace[~np.isnan(trace)] for trace in ([s] if isinstance(s, np.ndarray) else s)] for s in series]
    strata = [[trace for trace in traces if trace.size] for traces in strata]
    return [traces for traces in strata if traces]


def can_be_resampled(strata: Sequence[Sequence[FloatArray]]) -> bool:
    """Return whether any stratum has more than one window; if none has, there is no interval."""
    return any(len(traces) > 1 or traces[0].size > 1 for traces in strata)


def resampled_means(strata: Sequence[Sequence[FloatArray]], seed: int = 0) -> FloatArray:
    """Return the mean of each trace that was drawn, ``[RESAMPLES, traces]``, traces first, then blocks.

    Args:
        strata: the values by window, by stratum and trace, none of them NaN or empty.
        seed: of the resampling. Series of the same shapes are resampled alike, so that what is computed from the means
            of two variants can be paired draw by draw.

    A stratum has as many columns as it has traces; what stands in them are the traces drawn, in the order of drawing.
    """
    generator = np.random.default_rng(seed)
    drawn = [_resample(traces, generator) for traces in strata]
    return np.concatenate([d.sums / d.sizes for d in drawn], axis=1)


def drawn_windows(
    sizes: Sequence[int], resamples: int, generator: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for each trace of a stratum in which resamples it was drawn, ``[n]``, and with which windows ``[n, size]``.

    Args:
        sizes: windows of each trace.
        resamples: how many to draw; traces first, then circular blocks of windows.
        generator: moved on by the drawing.
    """
    for size, (resample, _) in zip(sizes, _slots(len(sizes), resamples, generator), strict=True):
        yield resample, _block_indices(size, resample.size, generator)


class _Drawn(NamedTuple):
    """Sums over the windows of the traces drawn, and how many windows they have: ``[RESAMPLES, traces]`` each."""

    sums: FloatArray
    sizes: FloatArray


def _resample(traces: Sequence[FloatArray], generator: np.random.Generator) -> _Drawn:
    drawn = _Drawn(*np.zeros((2, RESAMPLES, len(traces))))
    for trace, places in zip(traces, _slots(len(traces), RESAMPLES, generator), strict=True):
        drawn.sums[places] = _block_sums(trace, places[0].size, generator)
        drawn.sizes[places] = trace.size
    return drawn


def _slots(traces: int, resamples: int, generator: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for each trace the resamples and the columns ``[resamples, traces]`` in which it was drawn."""
    chosen = np.zeros((resamples, traces), dtype=np.int64)
    if traces > 1:
        chosen = generator.integers(0, traces, chosen.shape)
    narrow = chosen.astype(np.min_scalar_type(traces))  # narrow integers are sorted by counting
    order = np.argsort(narrow, axis=None, kind="stable")  # once: looking for each trace would take traces squared
    for places in np.split(order, np.bincount(chosen.ravel(), minlength=traces).cumsum()[:-1]):
        yield places // traces, places % traces


def median_ratio(times: FloatArray, reference: FloatArray, seed: int = 0) -> Estimate:
    """Return the median of paired ratios ``times / reference``, with a paired bootstrap interval over rounds."""
    logs = np.log(times) - np.log(reference)
    if logs.size == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    generator = np.random.default_rng(seed)
    medians = np.median(logs[generator.integers(0, logs.size, (RESAMPLES, logs.size))], axis=1)
    low, high = quantile_interval(medians)
    return Estimate(float(np.exp(np.median(logs))), float(np.exp(low)), float(np.exp(high)), logs.size)


def ratio_of_means(own: FloatArray, other: FloatArray) -> Estimate:
    """Return the ratio of the means of times ``[rounds]``, with Student's interval of the jackknife over rounds."""
    from scipy.special import stdtrit

    number = len(own)
    value = float(own.sum() / other.sum())
    if number < 2:
        return Estimate(value, float("nan"), float("nan"), number)
    without = np.log((own.sum() - own) / (other.sum() - other))
    error = float(np.sqrt((number - 1) / number * np.sum((without - without.mean()) ** 2)))
    half = error * float(stdtrit(number - 1, (1 + LEVEL) / 2))
    return Estimate(value, float(value * np.exp(-half)), float(value * np.exp(half)), number)


def block_length(size: int) -> int:
    """Return how many consecutive windows of a trace of ``size`` are resampled as one."""
    return max(1, round(size ** (1 / 3)))


def _block_starts(size: int, resamples: int, generator: np.random.Generator) -> tuple[np.ndarray, int]:
    """Return where circular blocks begin, ``[resamples, blocks]``, and their length."""
    length = block_length(size)
    return generator.integers(0, size, (resamples, -(-size // length))), length


def _block_indices(size: int, resamples: int, generator: np.random.Generator) -> np.ndarray:
    """Return ``[resamples, size]`` indices made of circular blocks."""
    starts, length = _block_starts(size, resamples, generator)
    return ((starts[:, :, None] + np.arange(length)) % size).reshape(resamples, -1)[:, :size]


def _block_sums(trace: FloatArray, resamples: int, generator: np.random.Generator) -> FloatArray:
    """Return the sums ``[resamples]`` of what ``_block_indices`` would draw, from sums of blocks made once."""
    starts, length = _block_starts(trace.size, resamples, generator)
    cut = starts.shape[1] * length - trace.size  # windows by which the last block is too long
    windows = trace[(np.arange(trace.size)[:, None] + np.arange(length)) % trace.size]
    whole, last = windows.sum(axis=1), windows[:, : length - cut].sum(axis=1)
    sums: FloatArray = whole[starts[:, :-1]].sum(axis=1) + last[starts[:, -1]]
    return sums


def quantile_interval(resampled: FloatArray) -> tuple[float, float]:
    """Return the ends of the 95% percentile interval of a resampled statistic, ``[resamples]``."""
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)


def error_of(low: ArrayLike, high: ArrayLike) -> FloatArray:
    """Return the standard errors of values whose 95% intervals, as of a normal distribution, have these ends."""
    from scipy.special import ndtri

    return (np.asarray(high, dtype=float) - np.asarray(low, dtype=float)) / 2 / float(ndtri((1 + LEVEL) / 2))


def columns_of(column: str) -> tuple[str, str, str]:
    """Return the names of the columns that a value and the ends of its interval stand in."""
    return column, f"{column}_low", f"{column}_high"


def in_columns(estimate: Estimate, column: str) -> dict[str, float]:
    """Return a value and the ends of its interval by the columns that they stand in."""
    return dict(zip(columns_of(column), map(float, estimate[:3]), strict=True))


def estimate_in(row: Mapping[str, Any] | pd.Series, column: str, num: int = 0) -> Estimate:
    """Return what a row has in a column and in those of its interval, ``_low`` and ``_high``; None is read as NaN."""
    value, low, high = (float("nan") if row[name] is None else float(row[name]) for name in columns_of(column))
    return Estimate(value, low, high, num)
