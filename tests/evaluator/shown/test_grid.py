from __future__ import annotations

import re

import pytest

from evaluator.shown.grid import Grid, notes_once

LONG = "seed_parent[replicator.name=dhondt,fixup.moves=0,gpu_packer.name=diverse]"
ROWS = [
    [LONG, "0.8307", "+0.0008 [+0.0004, +0.0012]", "no difference", "12%"],
    ["seed", "0.8300", "-0.1000 [-0.2000, -0.0500]", "worse", "9%"],
]
GRID = Grid(
    "dsr1 on t", ["variant", "next", "vs x", "verdict", "moved"], ROWS, frozenset({"variant", "verdict"}),
    "mean of 11 windows", (0, 0, 0, 0, 1), notes=[("moved", "moved: share of slots")],
)  # fmt: skip


def words_of(texts):
    return {word for text in texts for word in re.split(r"[ \n]|(?<=[,\[=.])", text) if word}


@pytest.mark.parametrize("width", [200, 110, 80, 66, 40, 10])
def test_no_word_is_broken_at_any_width(printed, width):
    """What stands between two breaks of a cell is found whole in one line."""
    lines = printed(GRID, width).splitlines()
    shown = [*GRID.fit(width).header, *(text for row in GRID.fit(width).rows for text in row)]
    for word in words_of(shown):
        assert any(word in line for line in lines), word


@pytest.mark.parametrize("width", [200, 110, 80, 66])
def test_it_keeps_to_the_width_where_words_allow_it(printed, width):
    assert max(map(len, printed(GRID, width).splitlines())) <= width


def test_a_table_that_is_too_wide_says_what_it_leaves_out_and_how_to_see_it(printed):
    wide, narrow = printed(GRID, 200), " ".join(printed(GRID, 110).split())
    assert "moved: share of slots" in wide
    assert "left out" not in wide
    assert "left out: moved: use a wider terminal, or --csv FILE" in narrow
    assert "share of slots" not in narrow, "nothing is said of a column that is not there"


def test_columns_go_by_importance_and_smaller_ones_take_what_room_is_left():
    grid = Grid("", ["a", "long", "b"], [["x", "y" * 30, "z"]], frozenset(), "", (0, 1, 2))
    assert grid.fit(100).left_out == []
    assert list(grid.fit(20).header) == ["a", "b"]
    assert grid.fit(20).left_out == ["long"]
    assert list(grid.fit(3).header) == ["a"]
    assert grid.fit(20).fit(20) == grid.fit(20)


def test_cells_are_coloured_by_what_they_say(printed):
    assert "\x1b[31mworse" in printed(GRID, 200, colours=True)
    assert "[red]" in printed(Grid("[red]", ["[red]"], [["[red]"]], frozenset(), ""), 80), "text is no markup"


def test_a_row_of_one_text_is_a_heading(printed):
    grid = Grid("", ["a", "b"], [["a heading that is longer than its columns"], ["1", "2"]], frozenset(), "", (0, 1))
    assert printed(grid, 80).splitlines()[2:4] == [" a heading that is longer than its columns", " 1  2"]
    assert list(grid.fit(3).rows) == [["a heading that is longer than its columns"], ["1"]]


def test_a_console_that_knows_ascii_alone_is_enough(printed):
    assert "-----" in printed(GRID, 80, encoding="ascii")


def test_a_note_of_several_tables_is_said_once():
    one, two = (Grid("", ["a"], [], frozenset(), f"the same\nof {name}") for name in ("one", "two"))
    assert [grid.caption for grid in notes_once([one, two])] == ["of one", "the same\nof two"]
