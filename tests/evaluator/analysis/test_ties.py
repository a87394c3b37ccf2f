"""Ties are summed up by load and over all that are pooled, and verdicts on smaller differences are named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from evaluator.analysis.comparison import Comparison, Part
from evaluator.analysis.score import Score
from evaluator.analysis.statistics import BETTER, SAME, WORSE
from evaluator.analysis.ties import reach_of, ties_of

SUMMARY = pd.DataFrame(
    {
        "variant": ["a", "b", "c", "d"],
        "difference": [0.003, -0.002, 0.0001, 0.5],
        "verdict": [BETTER, WORSE, SAME, BETTER],
    }
)
NARROW, WIDE = np.array([0.7, 0.7001, 0.7002]), np.array([0.8, 0.802, 0.801])


def part(title, *cells):
    return Part(title, pd.DataFrame({"cell": cells}), SUMMARY)


def comparison(*parts, overall, aggregates=None):
    return Comparison("a", Score("", "", "0", ""), parts, overall, aggregates, [], {})


def test_the_reach_is_that_of_a_difference_of_two_more():
    draws = np.random.default_rng(0).normal(0, 1, (4000, 12))
    held = [abs(one[10] - one[11]) <= reach_of(one[:10]) for one in draws]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)
    assert reach_of(WIDE) == pytest.approx(t.ppf(0.975, 2) * np.sqrt(2) * 0.001)


def test_verdicts_within_reach_are_named_and_others_are_not():
    only = part("x", "1")
    (ties,) = ties_of(comparison(only, overall=only), {"x": WIDE})
    assert ties.within == ("a", "b"), "c has no verdict, d is far beyond"
    assert (ties.mean, ties.sd, ties.largest) == pytest.approx((0.801, 0.001, 0.002))
    assert ties_of(comparison(only, overall=only), {"x": NARROW})[0].within == ()


def test_over_several_loads_those_count_that_are_pooled():
    first, second, third = part("x", "1"), part("y", "2"), part("hard", "3")
    found = ties_of(
        comparison(first, second, third, overall=part("all", "1", "2"), aggregates=pd.DataFrame()),
        {"x": NARROW, "y": WIDE, "hard": WIDE + 5},
    )
    assert [one.title for one in found] == ["x", "y", "hard", "all"]
    assert found[-1].mean == pytest.approx((NARROW.mean() + WIDE.mean()) / 2)
