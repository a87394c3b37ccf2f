"""The table of ties says how far they reach, and which verdicts are within."""

from __future__ import annotations

from evaluator.analysis.ties import Ties
from evaluator.shown.ties import ties_grid


def test_a_row_for_each_load():
    grid = ties_grid(
        [
            Ties("x on y", 0.75, 0.00031, 0.0012, 0.0011, 10, ("seed", "mine")),
            Ties("z on y", 0.9, 0.0, 0.0, 0.0, 10, ()),
        ],
        "deepseek",
    )
    assert grid.title == "ties: deepseek with experts renamed, 10 times"
    assert [list(row) for row in grid.rows] == [
        ["x on y", "0.7500", "0.00031", "0.0012", "0.0011", "seed, mine"],
        ["z on y", "0.9000", "0.00000", "0.0000", "0.0000", "-"],
    ]
