from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evaluator.analysis.columns import HEADLINE, METRICS
from evaluator.analysis.pareto import on_front

COLUMNS = [HEADLINE, "time_ratio", "moved_slots"]


def front(*rows, width=0.002):
    """Return which rows of balancedness, time and moved slots are on the front, all known but for the times' width."""
    table = pd.DataFrame(rows, columns=COLUMNS, dtype=float).assign(time_rounds=20)
    table["time_ratio_low"] = table["time_ratio"] * (1 - width)
    table["time_ratio_high"] = table["time_ratio"] * (1 + width)
    relations = [above(table[name].to_numpy(), METRICS[name]) for name in (HEADLINE, "moved_slots")]
    return on_front(table, relations, HEADLINE).tolist()


def above(values, metric):
    return (values[:, None] - values[None, :]) * metric.sign >= metric.floor


@pytest.mark.parametrize(
    ("rows", "expected"),
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
def test_what_nothing_beats_is_on_the_front(rows, expected):
    assert front(*rows) == expected


def test_times_that_cannot_be_told_apart_beat_nobody():
    assert front((0.9, 1, 0.5), (0.9, 1.1, 0.5), width=0.2) == [True, True]


def test_the_front_is_the_definition():
    draw = np.random.default_rng(0)
    rows = draw.integers(1, 5, (40, 3)).tolist()
    values = np.array(rows) * [1, -1, -1]
    beaten = [any((v >= w).all() and (v > w).any() for v in values) for w in values]
    assert front(*rows) == [not b for b in beaten]


def test_of_a_circle_the_best_balanced_is_left():
    """Each is really better than the next in one column, and in the others worse by less than the floor."""
    steps = [(2.1, 1.0, 1.5), (1.0, 1.5, 2.1), (1.5, 2.1, 1.0)]
    circle = [(0.5 + 1e-3 * x, 1 - 0.02 * y, 0.5 - 1e-3 * z) for x, y, z in steps]
    for one, other in ((0, 1), (1, 2), (2, 0)):
        assert front(circle[one], circle[other], width=1e-4) == [True, False]
    assert front(*circle, width=1e-4) == [True, False, False]
