from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evaluator.analysis.pareto import on_front


def summary(*rows):
    return pd.DataFrame(rows, columns=["balancedness_gpu_next", "time_ratio", "moved_slots"], dtype=float)


@pytest.mark.parametrize(
    ("rows", "front"),
    [
        ([(0.9, 1, 0.5), (0.8, 2, 0.6)], [True, False]),
        ([(0.9, 1, 0.5), (0.8, 0.5, 0.5)], [True, True]),
        ([(0.9, 1, 0.5), (0.9, 1, 0.5)], [True, True]),
        ([(0.9, 1, 0.5), (0.9, 1, 0.4)], [False, True]),
        ([(0.9, np.nan, 0.5), (0.8, 1, 0.9)], [False, True]),
        ([(0.9, np.nan, 0.5), (0.8, np.nan, 0.6)], [True, False]),
        ([(0.9, 1, np.nan)], [True]),
        ([(0.9, 1, 0.5), (0.9, 1.019, 0.5)], [True, True]),
        ([(0.9, 1, 0.5), (0.9, 1.021, 0.5)], [True, False]),
        ([(0.9, 1, 0.5), (0.8995, 1.01, 0.5005)], [True, True]),
        ([(0.9, 1, 0.5), (0.9005, 1.1, 0.4995)], [True, False]),
        ([(0.9, 1, 0.5), (0.9015, 1.1, 0.5)], [True, True]),
        ([(0.9, 1, 0.5), (0.8985, 1.01, 0.5005)], [True, False]),
    ],
)
def test_what_nothing_beats_is_on_the_front(rows, front):
    assert on_front(summary(*rows)).tolist() == front


def test_the_front_is_the_definition():
    draw = np.random.default_rng(0)
    table = summary(*draw.integers(0, 4, (40, 3)).tolist())
    values = table.to_numpy() * [1, -1, -1]
    beaten = [any((v >= w).all() and (v > w).any() for v in values) for w in values]
    assert on_front(table).tolist() == [not b for b in beaten]


def test_a_circle_leaves_the_front_of_the_exact_values():
    """Each is really better than the next in one column, and in the others worse by less than the floor."""
    steps = [(2.1, 1.0, 1.5), (1.0, 1.5, 2.1), (1.5, 2.1, 1.0)]
    circle = [(0.5 + 1e-3 * x, 1 - 0.02 * y, 0.5 - 1e-3 * z) for x, y, z in steps]
    for one, other in ((0, 1), (1, 2), (2, 0)):
        pair = [np.array(circle[i]) for i in (one, other)]
        assert on_front(summary(*pair)).tolist() == [True, False]
    assert on_front(summary(*circle)).tolist() == [True, True, True]


def test_what_was_not_measured_everywhere_is_not_on_the_front_and_beats_nobody():
    table = summary((0.9, 1, 0.5), (0.95, 0.5, 0.4)).assign(complete=[True, False])
    assert on_front(table).tolist() == [True, False]
