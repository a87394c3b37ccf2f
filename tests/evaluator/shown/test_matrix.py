from __future__ import annotations

import pandas as pd
import pytest

from evaluator.analysis.comparison import compare
from evaluator.analysis.score import Score
from evaluator.shown.matrix import matrix_grid

SCORE = Score("s", "", "balancedness_gpu_next", "")


@pytest.fixture
def comparison(many):
    return compare(many, "base", SCORE)


def test_every_workload_and_variant_has_the_difference_and_the_mark_of_its_verdict(comparison):
    grid = matrix_grid(comparison, 80)
    assert list(grid.header) == ["workload", "up", "down"]
    assert [row[0] for row in grid.rows] == ["w0", "w1", "w2", "w3", "w4"]
    for row, part in zip(grid.rows, comparison.parts, strict=True):
        found = part.summary.set_index("variant")
        assert row[1] == f"{found.loc['up', 'difference']:+.4f} ^"
        assert row[2] == f"{found.loc['down', 'difference']:+.4f} v"


def test_thirteen_workloads_are_thirteen_rows_and_a_footnote(rows, printed):
    made = [
        row
        for n in range(13)
        for name, offset in (("base", 0.0), ("up", 0.01), ("down", -0.01))
        for row in rows(name, [0.8 + offset + 0.01 * (i % 3) for i in range(8)], f"load{n}[num_layers=8,windows=12]")
    ]
    text = printed(matrix_grid(compare(pd.DataFrame(made), "base", SCORE), 80), 80)
    assert text.count("[num_layers=8,windows=12]") == 1, "what all share is said once"
    assert len(text.splitlines()) < 24
    assert max(map(len, text.splitlines())) <= 80


def test_rows_are_what_leaves_least_out(rows):
    """Twenty variants on six workloads: the variants are the rows where columns are few."""
    made = [
        row
        for n in range(6)
        for v in range(20)
        for row in rows(f"seed[gpu_packer.refine_steps={v}]", [0.8 + 0.01 * v] * 6, f"w{n}")
    ]
    comparison = compare(pd.DataFrame(made), "seed[gpu_packer.refine_steps=0]", SCORE)
    grid = matrix_grid(comparison, 100)
    assert grid.header[0] == "variant"
    assert len(grid.rows) == 19
    assert grid.left_out == []


def test_a_variant_that_was_not_measured_somewhere_has_a_dash_there(many):
    some = many[~((many["variant"] == "up") & (many["workload"] == "w3"))]
    grid = matrix_grid(compare(some, "base", SCORE), 80)
    assert [row[list(grid.header).index("up")] == "-" for row in grid.rows] == [False, False, False, True, False]
