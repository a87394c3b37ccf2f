from __future__ import annotations

import numpy as np
import pytest

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


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """200 series of 40 independent windows: the 95% interval of the mean misses in about 5 of 100."""
    draw = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        estimate = mean_of_series([draw.normal(0.3, 1, 40)])
        hits += estimate.low <= 0.3 <= estimate.high
    assert 0.88 <= hits / 200 <= 0.99


def test_blocks_widen_the_interval_of_windows_that_follow_each_other():
    draw = np.random.default_rng(1)
    smooth = np.convolve(draw.normal(size=220), np.ones(20) / 20, "valid")
    shuffled = draw.permutation(smooth)
    in_order, at_random = mean_of_series([smooth]), mean_of_series([shuffled])
    assert in_order.value == pytest.approx(at_random.value)
    assert in_order.high - in_order.low > 1.5 * (at_random.high - at_random.low)


def test_series_are_weighed_by_their_windows():
    estimate = mean_of_series([np.zeros(30), np.ones(10), np.array([np.nan])])
    assert estimate[:4] == (0.25, 0.25, 0.25, 40)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([0.02, 0.03, 0.025, 0.02, 0.03, 0.028], BETTER),
        ([-0.02, -0.03, -0.025, -0.02, -0.03, -0.028], WORSE),
        ([0.0] * 6, SAME),
        ([0.05, -0.05, 0.04, -0.04, 0.03, -0.035], SAME),
        ([0.0002, 0.0003, 0.0002, 0.0003, 0.0002, 0.0003], SAME),  # sure, but too small to matter
        ([0.02, 0.03, 0.025], UNSURE),
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
