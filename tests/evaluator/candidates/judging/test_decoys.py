"""A decoy is as much work as the load that it stands for, and nothing tells which of the two is which."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import Topology
from evaluator.candidates.judging.decoys import asked_about, drawn_again, renamed

TOPOLOGY = Topology(24, 4, 2, 4)
MEAN_LE = 300 * np.random.default_rng(0).lognormal(sigma=0.7, size=(6, 16))
LOAD_LE = np.random.default_rng(0).poisson(MEAN_LE) * (np.arange(16) != 3) * (np.arange(6) != 2)[:, None]


@pytest.fixture
def draw():
    return np.random.default_rng(1)


def loads_about(windows, counting, number, draw, at=None):
    return [one.load_LE for one in asked_about(windows, counting, number, TOPOLOGY, draw, at)]


def test_the_window_stands_at_its_place_and_nowhere_else(draw):
    loads = loads_about([LOAD_LE], [0], 5, draw, at=3)
    assert [np.array_equal(load, LOAD_LE) for load in loads] == [False, False, False, True, False]
    assert [np.array_equal(load, LOAD_LE) for load in loads_about([LOAD_LE], [0], 1, draw)] == [True]


def test_windows_that_count_are_asked_about_once_and_decoys_fill_up_in_a_drawn_order(draw):
    windows = [draw.poisson(MEAN_LE) for _ in range(4)]
    orders = set()
    for _ in range(20):
        asked = asked_about(windows, [1, 3], 5, TOPOLOGY, draw)
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


def test_experts_are_renamed_within_whole_groups_in_each_layer_by_itself(draw):
    names_LE = np.tile(np.arange(16.0), (6, 1))
    mixed = renamed(names_LE, TOPOLOGY, draw)
    np.testing.assert_array_equal(np.sort(mixed, axis=1), names_LE)
    groups = (mixed // 4).reshape(6, 4, 4)
    assert (groups == groups[:, :, :1]).all(), "a group stays together"
    assert len({tuple(row) for row in mixed}) == 6
    odd = renamed(np.tile(np.arange(14.0), (2, 1)), TOPOLOGY, draw)
    np.testing.assert_array_equal(np.sort(odd, axis=1)[0], np.arange(14.0))


def test_shares_stay_shares(draw):
    share_LE = LOAD_LE / 977.3
    again = drawn_again(share_LE, draw)
    np.testing.assert_allclose(again.sum(axis=1), share_LE.sum(axis=1))
    assert not np.array_equal(again, share_LE)
    assert ((again == 0) == (share_LE == 0)).all()


def test_loads_in_order_do_not_show_which_one_is_the_window(draw):
    """Were decoys drawn around the load, it would be the one nearest to all, always; chance has it in 20% of cases."""
    middle = 0
    for place in range(200):
        loads = loads_about([draw.poisson(MEAN_LE)], [0], 5, draw, at=place % 5)
        ordered = np.array([np.sort(load, axis=1).ravel() for load in loads])
        distance = ((ordered[:, None] - ordered[None]) ** 2).sum(axis=(1, 2))
        middle += int(distance.argmin() == place % 5)
    assert 20 <= middle <= 62, middle
