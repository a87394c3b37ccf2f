"""A program gains nothing by disturbing itself, nor by being slow in fewer than half of its processes."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.analysis.statistics import ratio_of_means
from evaluator.candidates.judging.strict import (
    held_to_all,
    spreads_more,
)
from evaluator.timing.rounds import timing_of, typical, whole

ROUNDS, CALLS = 40, 5


@pytest.fixture
def draw():
    return np.random.default_rng(0)


def calls_of(draw, own, *, lost=0.0, by=2.0, process=0.03):
    """Return ``[rounds, repeats, 2, 2]`` calls of something beside a parent whose calls take 1.

    Args:
        draw: moved on.
        own: CPU time of its calls, ``[rounds, repeats]`` or a number.
        lost: how often others take its core in a time of 1.
        by: what it then takes longer.
        process: standard deviation between processes.
    """
    cpu = np.ones((ROUNDS, CALLS, 2))
    cpu[..., 0] *= own
    cpu *= np.exp(process * draw.normal(size=(ROUNDS, 1, 2)) + 0.003 * draw.normal(size=cpu.shape))
    cpu *= np.exp(0.1 * draw.normal(size=(ROUNDS, 1, 1)))  # the machine's, for both
    wall = cpu + by * (draw.random(cpu.shape) < -np.expm1(-lost * cpu))
    return np.stack([wall, cpu], axis=-1)


def read(calls):
    """Return what is said of the times of rounds of calls."""
    plain = timing_of(np.array([typical(one) for one in calls]), first=1.0, valid=True)
    return held_to_all(plain, list(calls)), plain


def test_who_sleeps_in_slow_calls_is_told_by_all_of_them(draw):
    """Two calls in three take a fifth of the parent's time, the third 4.2 times as much, and sleeps a tenth of it."""
    slow = draw.random((ROUNDS, CALLS)) < 1 / 3
    calls = calls_of(draw, np.where(slow, 4.2, 0.2))
    calls[slow, 0, 0] *= 1.1
    timing, plain = read(calls)
    assert plain.ratio.value < 0.25, "the calls that sleep are left out"
    assert timing.ratio.value == pytest.approx(0.2 * 2 / 3 + 4.6 / 3, rel=0.15)
    assert not timing.has_core, "so that no verdict rests on it"


def test_who_is_slow_in_some_processes_is_told_by_them_too(draw):
    """Sixty in a hundred processes take half of the parent's time, the others three times as much."""
    slow = draw.random((ROUNDS, 1)) < 0.4
    timing, plain = read(calls_of(draw, np.where(slow, 3.0, 0.5)))
    assert plain.ratio.value < 0.6, "the median is one of the quick ones"
    assert timing.ratio.value == pytest.approx(0.5 + 2.5 * slow.mean(), rel=0.05)
    assert timing.ratio.low < 1.5 < timing.ratio.high
    assert timing.has_core


def test_a_call_in_a_hundred_that_takes_a_hundred_times_as_long_counts(draw):
    slow = np.zeros((ROUNDS, CALLS), dtype=bool)
    slow[[3, 20], [1, 4]] = True
    timing, plain = read(calls_of(draw, np.where(slow, 100.0, 0.9)))
    assert plain.ratio.value == pytest.approx(0.9, abs=0.02)
    assert timing.ratio.value == pytest.approx(1.9, abs=0.05)
    assert timing.ratio.high > 2


@pytest.mark.parametrize(("share", "times"), [(0.04, 200), (0.05, 50), (0.1, 50), (0.02, 500)])
@pytest.mark.parametrize("lost", [0.0, 0.3])
def test_who_sleeps_in_few_calls_is_told_by_them(draw, share, times, lost):
    """On a quiet machine and on a busy one, where others take the core in a call of three."""
    caught = []
    for _ in range(20):
        calls = calls_of(draw, 0.47, lost=lost)
        calls[..., 0, 0] += 0.47 * times * (draw.random((ROUNDS, CALLS)) < share)
        timing, plain = read(calls)
        assert plain.ratio.value < 0.6, "the calls that sleep are left out"
        caught.append(not timing.has_core and timing.ratio.value > 0.8)
    assert np.mean(caught) >= 0.85, "but for runs with one such call or none"


@pytest.mark.long
@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("lost", [0.0, 0.05, 1 / 3])
def test_what_comes_from_outside_is_nobodys_doing(draw, factor, lost):
    """On a machine on which one call in three loses its core, honest programs of any speed keep the robust estimate."""
    found = [read(calls_of(draw, factor, lost=lost))[0].has_core for _ in range(300)]
    kept = [read(calls_of(draw, factor, lost=lost))[1].has_core for _ in range(300)]
    assert np.mean(found) >= np.mean(kept) - 0.03


def test_a_program_like_its_parent_is_seldom_said_to_spread_more(draw):
    told = [spreads_more(*np.exp(0.05 * draw.normal(size=(2, ROUNDS)))) for _ in range(2000)]
    assert 0.004 < np.mean(told) < 0.018
    wider = [spreads_more(*np.exp([[0.15], [0.05]] * draw.normal(size=(2, ROUNDS)))) for _ in range(200)]
    assert np.mean(wider) > 0.99
    assert not spreads_more(np.ones(5), np.ones(5))
    assert spreads_more(np.array([1.0, 1.0, 2.0]), np.ones(3))


def test_the_interval_of_a_ratio_of_means_covers(draw):
    truth, covered = 1.3, []
    for _ in range(1000):
        machine = np.exp(0.2 * draw.normal(size=ROUNDS))
        own, other = machine * draw.gamma(25, 1 / 25, (2, ROUNDS))
        found = ratio_of_means(truth * own, other)
        covered.append(found.low <= truth <= found.high)
    assert 0.93 <= np.mean(covered) <= 0.97
    assert ratio_of_means(np.array([2.0]), np.array([1.0])).value == 2


def test_where_waiting_is_known_who_sleeps_in_few_processes_is_told_by_the_means(draw):
    """A program that is a tenth quicker, and three times as slow in one process of fifteen: .9 by the median alone."""
    slow = draw.random((ROUNDS, 1)) < 1 / 15
    calls = calls_of(draw, np.where(slow, 0.9 + 3.0, 0.9) * np.ones(CALLS))
    calls[..., 1] /= np.where(np.broadcast_to(slow[..., None], calls.shape[:-1]), 3.9 / 0.9, 1.0)  # it slept
    plain = timing_of(np.array([whole(one) for one in calls]), first=1.0, valid=True, everything=True)
    assert plain.ratio.high < 0.95
    timing = held_to_all(plain, list(calls), everything=True)
    assert timing.ratio.value == pytest.approx(0.9 + 3.0 * slow.mean(), rel=0.05)
    assert timing.ratio.high > 1
    assert timing.has_core
