"""The stages of a judgement: what gives a program up, what confirms it, and how rarely chance does either."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.analysis.statistics import BETTER
from evaluator.candidates.judging.stages import compared, is_confirmed, is_hopeless

DRAW = np.random.default_rng(0)


def series(gain, *, traces=8, windows=6, noise=0.004, own=None):
    """Return what a program comes to beside a parent at .75, as functions of a metric's name."""
    base = 0.75 + DRAW.normal(0, 0.02, (1, traces, windows))
    values = base + gain + DRAW.normal(0, noise, base.shape)
    missing = np.full_like(base, np.nan)

    def of(next_values):
        kinds = {"balancedness_gpu_next": missing if own else next_values, "balancedness_gpu_own": next_values}
        return lambda name: [list(stratum) for stratum in kinds[name]]

    return of(values), of(base)


def test_a_large_loss_on_the_first_windows_is_hopeless_and_a_small_one_or_a_gain_is_not():
    assert is_hopeless(*series(-0.03, windows=2))
    assert not is_hopeless(*series(+0.03, windows=2))
    assert not is_hopeless(*series(-0.0005, windows=2, noise=1e-6)), "below the floor"


def test_two_traces_make_nothing_hopeless_and_confirm_nothing():
    assert not is_hopeless(*series(-0.03, traces=2, windows=2, noise=1e-6))
    assert not is_confirmed(compared(*series(+0.03, traces=2, noise=1e-6)))


def test_what_is_as_good_is_hopeless_once_in_a_thousand_or_more_rarely():
    assert sum(is_hopeless(*series(0.0, windows=2)) for _ in range(2000)) <= 4


def test_luck_is_better_in_training_and_is_not_confirmed():
    """Of equals, a few in a hundred are better by luck; on the held-out part hardly any is."""
    lucky = sum(compared(*series(0.0)).verdict == BETTER for _ in range(1000))
    confirmed = sum(is_confirmed(compared(*series(0.0, traces=16))) for _ in range(1000))
    assert 5 <= lucky <= 45
    assert confirmed <= 3


def test_a_true_gain_is_confirmed():
    found = sum(is_confirmed(compared(*series(0.003, traces=16))) for _ in range(200))
    assert found >= 190


def test_where_no_window_has_a_next_one_the_own_window_counts():
    assert compared(*series(0.01, own=True)).verdict == BETTER
    assert compared(*series(0.01)).difference.value == pytest.approx(0.01, abs=0.004)


def test_a_parent_that_placed_more_windows_is_compared_on_those_that_both_have():
    own, base = series(-0.03)
    first = compared(lambda name: [[trace[:2] for trace in stratum] for stratum in own(name)], base)
    assert first.difference.num == 16
