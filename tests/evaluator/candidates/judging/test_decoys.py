"""A decoy is as much work as the load that it stands for, and nothing tells which of the two is which."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.candidates.judging.decoys import asked_about, drawn_again, like, unlike

MEAN_LE = 300 * np.random.default_rng(0).lognormal(sigma=0.7, size=(6, 16))
LOAD_LE = np.random.default_rng(0).poisson(MEAN_LE) * (np.arange(16) != 3) * (np.arange(6) != 2)[:, None]


@pytest.fixture
def draw():
    return np.random.default_rng(1)


def loads_about(windows, counting, number, draw):
    return [one.load_LE for one in asked_about(windows, counting, number, draw)]


def test_windows_that_count_are_asked_about_once_and_decoys_fill_up_in_a_drawn_order(draw):
    windows = [draw.poisson(MEAN_LE) for _ in range(4)]
    orders = set()
    for _ in range(20):
        asked = asked_about(windows, [1, 3], 5, draw)
        assert len(asked) == 5
        assert sorted(one.trace for one in asked if one.counts) == [1, 3]
        assert all(np.array_equal(one.load_LE, windows[one.trace]) == one.counts for one in asked)
        assert sorted(one.trace for one in asked if not one.counts)[0] == 0, "first those that nobody asks about"
        orders.add(tuple(one.counts for one in asked))
    assert len(orders) > 3


def test_decoys_are_counts_with_the_totals_and_the_idle_experts_of_the_load(draw):
    for load in loads_about([LOAD_LE], [0], 4, draw):
        np.testing.assert_array_equal(load.sum(axis=1), LOAD_LE.sum(axis=1))
        np.testing.assert_array_equal((load == 0).sum(axis=1), (LOAD_LE == 0).sum(axis=1))
        np.testing.assert_array_equal(load, np.round(load))


def test_a_load_like_the_window_is_another_each_time(draw):
    one, other = like(LOAD_LE, draw), like(LOAD_LE, draw)
    np.testing.assert_array_equal(one.sum(axis=1), LOAD_LE.sum(axis=1))
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, LOAD_LE)


@pytest.mark.parametrize("unit", [1.0, 1 / 977.3])
def test_what_a_process_is_warmed_up_by_has_the_tokens_and_idle_experts_of_the_load_alone(draw, unit):
    """Whoever placed it before the clock, and used that rank by rank for the first load, was faster."""
    load_LE = LOAD_LE * unit
    in_order, apart = np.sort(load_LE, axis=1), []
    for _ in range(50):
        first = unlike(load_LE, draw)
        np.testing.assert_allclose(first.sum(axis=1), load_LE.sum(axis=1))
        assert (first[load_LE == 0] == 0).all()
        assert unit != 1 or (first == np.round(first)).all()
        apart.append(np.abs(np.sort(first, axis=1) - in_order).sum() / load_LE.sum())
    near = np.abs(np.sort(like(load_LE, draw), axis=1) - in_order).sum() / load_LE.sum()
    assert min(apart) > 2 * near
    assert np.std(apart) > 0.05, "it is as unlike in another way each time"


def test_shares_stay_shares(draw):
    share_LE = LOAD_LE / 977.3
    again = drawn_again(share_LE, draw)
    np.testing.assert_allclose(again.sum(axis=1), share_LE.sum(axis=1))
    assert not np.array_equal(again, share_LE)
    assert ((again == 0) == (share_LE == 0)).all()


def test_loads_in_order_do_not_show_which_one_is_the_window(draw):
    """Were decoys drawn around the load, it would be the one nearest to all, always; chance has it in 20% of cases."""
    middle = 0
    for _ in range(200):
        asked = asked_about([draw.poisson(MEAN_LE)], [0], 5, draw)
        ordered = np.array([np.sort(one.load_LE, axis=1).ravel() for one in asked])
        distance = ((ordered[:, None] - ordered[None]) ** 2).sum(axis=(1, 2))
        middle += int(asked[distance.argmin()].counts)
    assert 20 <= middle <= 62, middle
