"""A winner tree knows the smallest key and the next, whatever changes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eplb_variants.kernels.tree import LAST, build, new_tree, runner_up, update


@given(st.lists(st.sampled_from([0.0, 1.0, 1.5, 2.0]), min_size=2, max_size=20), st.integers(0, 2**32 - 1))
def test_the_tree_knows_the_smallest_and_the_next(given_values, seed):
    values = list(given_values)
    draw = np.random.default_rng(seed)
    number, key, winner = new_tree(len(values))
    size = number.size // 2
    number[size : size + len(values)] = values
    build(key, winner)
    for _ in range(10):
        assert winner[1] == np.argmin(values)
        assert number[1] == min(values)
        assert runner_up(key, winner) == key[0]
        assert number[0] == np.partition(values, 1)[1]
        place = int(draw.integers(len(values)))
        values[place] = number[size + place] = float(draw.integers(3))
        update(key, winner, place)


def test_a_tree_of_one_has_no_next():
    _, key, winner = new_tree(1)
    build(key, winner)
    assert (winner[1], runner_up(key, winner)) == (0, LAST)
