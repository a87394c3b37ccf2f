from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import ttest_1samp, ttest_ind

from evaluator.analysis.paired import verdict_on, verdict_on_time
from evaluator.analysis.statistics import (
    BETTER,
    SAME,
    UNSURE,
    WORSE,
    Estimate,
    mean_of_series,
    median_ratio,
)


@pytest.mark.parametrize("windows", [5, 9, 11, 23, 48])
@pytest.mark.parametrize("alike", [0.0, 0.2])
def test_the_interval_of_a_trace_covers_its_mean_as_often_as_it_says(windows, alike):
    """1,000 autoregressive series: the 95% interval holds their mean in 93 to 97% of them, within what 1,000 say."""
    draw = np.random.default_rng(0)
    hits = 0
    for _ in range(1000):
        values = autoregressive(draw, windows, alike)
        estimate = mean_of_series([values])
        hits += estimate.low <= 0 <= estimate.high
    assert 0.92 <= hits / 1000 <= 0.98


def autoregressive(draw, size, alike):
    """Return a stationary series of mean 0 whose neighbours correlate by so much."""
    shocks = draw.normal(0, 1, size)
    shocks[0] /= np.sqrt(1 - alike**2)
    return lfilter([1], [1, -alike], shocks)


@pytest.mark.parametrize("traces", [3, 5, 10])
@pytest.mark.parametrize("offset", [0.0, 1.0, 10.0])
def test_the_interval_of_several_traces_covers_the_mean_of_all_there_could_be(traces, offset):
    """Whether traces differ from each other more than their windows do, or not at all."""
    draw = np.random.default_rng(1)
    hits = 0
    for _ in range(1000):
        series = [draw.normal(0, offset) + draw.normal(0, 1, 8) for _ in range(traces)]
        estimate = mean_of_series([series])
        hits += estimate.low <= 0 <= estimate.high
    assert 0.93 <= hits / 1000 <= 0.97


def test_it_is_students_over_traces():
    traces = list(np.random.default_rng(2).normal(0.1, 1, (6, 4)))
    expected = ttest_1samp([trace.mean() for trace in traces], 0)
    low, high = expected.confidence_interval()
    estimate = mean_of_series([traces])
    assert estimate[:3] == pytest.approx((np.mean(traces), low, high))
    assert (estimate.p, estimate.units) == pytest.approx((expected.pvalue, 6))


def test_two_strata_are_welchs():
    """The mean of one stratum and the negative of another is half of what Welch's test compares."""
    draw = np.random.default_rng(3)
    one, other = draw.normal(0, 1, (5, 1)), draw.normal(0.5, 3, (8, 1))
    expected = ttest_ind(one.ravel(), other.ravel(), equal_var=False)
    low, high = expected.confidence_interval()
    estimate = mean_of_series([list(one), list(-other)])
    assert estimate[:3] == pytest.approx(((one.mean() - other.mean()) / 2, low / 2, high / 2))
    assert (estimate.p, estimate.units - 1) == pytest.approx((expected.pvalue, expected.df))


@pytest.mark.parametrize("series", [[], [np.full(3, np.nan)], [np.array([0.1])], [np.ones(5), np.array([0.1])]])
def test_where_nothing_tells_chance_there_is_no_interval(series):
    estimate = mean_of_series(series)
    assert np.isnan([estimate.low, estimate.high, estimate.p]).all()
    assert estimate.units == 0


def test_no_difference_anywhere_is_no_surprise_and_the_same_everywhere_is_sure():
    assert mean_of_series([[np.zeros(5), np.zeros(5)]]).p == 1
    assert mean_of_series([[np.full(4, 0.125), np.full(4, 0.125)]]).p == 0


def test_windows_that_follow_each_other_widen_the_interval():
    draw = np.random.default_rng(1)
    smooth = np.convolve(draw.normal(size=220), np.ones(20) / 20, "valid")
    shuffled = draw.permutation(smooth)
    in_order, at_random = mean_of_series([smooth]), mean_of_series([shuffled])
    assert in_order.value == pytest.approx(at_random.value)
    assert in_order.high - in_order.low > 1.5 * (at_random.high - at_random.low)


def test_strata_weigh_the_same_and_so_do_the_traces_of_one():
    estimate = mean_of_series([np.zeros(30), np.ones(10), np.array([np.nan])])
    assert estimate[:4] == (0.5, 0.5, 0.5, 40)
    assert mean_of_series([[np.zeros(30), np.ones(10)], [np.ones(5)]]).value == 0.75


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([0.02, 0.03, 0.025, 0.02, 0.03, 0.028], BETTER),
        ([-0.02, -0.03, -0.025, -0.02, -0.03, -0.028], WORSE),
        ([0.0] * 6, SAME),
        ([0.05, -0.05, 0.04, -0.04, 0.03, -0.035], SAME),
        ([0.0002, 0.0003, 0.0002, 0.0003, 0.0002, 0.0003], SAME),  # sure, but too small to matter
        ([0.02, 0.03, 0.021], BETTER),
        ([0.02, 0.03], UNSURE),
        ([0.02, 0.024, 0.028, 0.032, 0.036], UNSURE),  # a drift: these are worth two or three independent windows
        ([0.02], UNSURE),
        ([], UNSURE),
    ],
)
def test_what_a_difference_allows_to_be_said(values, verdict):
    assert verdict_on(mean_of_series([np.array(values)])) == verdict


def test_a_ratio_is_paired_by_round():
    """Rounds that differ by a factor of ten leave the ratio sharp."""
    draw = np.random.default_rng(2)
    reference = 10 ** draw.uniform(-3, -2, 30)
    ratio = median_ratio(1.5 * reference * draw.normal(1, 0.01, 30), reference)
    assert ratio.value == pytest.approx(1.5, rel=0.02)
    assert ratio.high / ratio.low < 1.03
    assert verdict_on_time(ratio) == WORSE
    assert verdict_on_time(median_ratio(reference, 1.5 * reference)) == BETTER
    assert verdict_on_time(median_ratio(1.01 * reference, reference)) == SAME
    assert verdict_on_time(median_ratio(np.array([]), np.array([]))) == UNSURE
    assert verdict_on_time(median_ratio(3 * reference[:4], reference[:4])) == UNSURE, "four rounds are too few"


def test_the_same_data_give_the_same_interval():
    values = np.random.default_rng(3).normal(size=50)
    assert mean_of_series([values]) == mean_of_series([values])


def exchangeable(draw, seeds, windows):
    """Return differences of two equal things: each trace has an offset of its own, nearly the same in every window."""
    return [draw.normal(0, 0.01) + draw.normal(0, 0.001, windows) for _ in range(seeds)]


def test_equal_things_that_differ_by_trace_are_no_difference():
    """Windows of a trace agree with each other; only other traces say whether a difference is one in general."""
    draw = np.random.default_rng(4)
    said = [verdict_on(mean_of_series([exchangeable(draw, 12, 20)])) for _ in range(100)]
    assert said.count(SAME) >= 85
    alone = [verdict_on(mean_of_series([exchangeable(draw, 1, 20)])) for _ in range(50)]
    assert alone.count(SAME) < 25, "of one trace alone the interval speaks of that trace"


def test_seeds_of_two_windows_each_are_enough_to_say():
    draw = np.random.default_rng(5)
    estimate = mean_of_series([[draw.normal(-0.2, 0.01, 1) for _ in range(10)]])
    assert verdict_on(estimate) == WORSE


def test_nought_has_no_minus_before_it():
    assert Estimate(-1e-9, -1e-8, 1e-9, 9).text("+.4f") == "+0.0000 [+0.0000, +0.0000]"
