from __future__ import annotations

import pandas as pd
import pytest

from evaluator.analysis.comparison import compare, view_frame
from evaluator.analysis.score import Score
from evaluator.shown.rendering import MOST_TABLES, grids_of, terminal_grids

SCORE = Score("s", "", "balancedness_gpu_next", "")


@pytest.fixture
def comparison(many):
    return compare(many, "base", SCORE)


def test_few_workloads_have_a_table_each_and_their_notes_stand_once(many):
    few = compare(many[many["workload"].isin(["w0", "w1"])], "base", SCORE)
    grids = terminal_grids(few, "s", 200)
    assert [grid.title for grid in grids[:2]] == ["w0 on t", "w1 on t"]
    said = "\n".join(grid.caption for grid in grids).split("\n")
    assert len(said) == len(set(said)), "no note stands twice"


def test_more_workloads_are_a_matrix(comparison):
    assert len(comparison.parts) > MOST_TABLES
    grids = terminal_grids(comparison, "s", 80)
    titles = ["workload by workload (each on t)", "all 5 workloads and topologies"]
    assert [grid.title for grid in grids] == [*titles, f"across {titles[1]}"]


def test_views_are_tables_too(comparison):
    view = view_frame(comparison, "window")
    grids = grids_of(comparison, "s", 110, "window", view)
    assert [grid.title for grid in grids] == [f"w{n} on t" for n in range(5)]
    assert list(grids[0].header) == ["window", "up", "down"]
    assert len(grids[0].rows) == 12 + 1
    narrow = grids_of(comparison, "s", 20, "window", view)[0]
    assert list(narrow.header) == ["window", "up"]
    assert narrow.left_out == ["down"]
    assert len(terminal_grids(comparison, "s", 110, "window", view)) == 5


def test_a_workload_without_the_reference_is_in_no_table(many, rows):
    found = compare(pd.concat([many, pd.DataFrame(rows("up", [0.1] * 9, "other"))]), "base", SCORE)
    (matrix, *_) = terminal_grids(found, "s", 200)
    assert "other" not in [row[0] for row in matrix.rows]
