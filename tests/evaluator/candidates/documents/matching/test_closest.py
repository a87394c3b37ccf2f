"""The closest lines to a SEARCH that does not match."""

from __future__ import annotations

from evaluator.candidates.documents.matching.closest import closest_region

LINES = ["def a():", "    x = 1", "    return x", "", "def b():", "    x = 1", "    y = 2", "    return x"]


def test_the_most_lines_in_place_win():
    region = closest_region(["    x = 1", "    y = 3", "    return x"], LINES)
    assert region.sentence == "the closest lines, 6 to 8, differ"


def test_of_equals_the_first_wins():
    assert closest_region(["x = 1"], LINES).sentence == "the closest lines, 2 to 2, differ in white space only"


def test_empty_lines_do_not_vote():
    assert closest_region(["", "zzzzzz"], LINES) is None


def test_a_region_stays_within_the_text():
    region = closest_region(["gone", "gone", "def a():"], LINES)
    assert region.sentence == "the closest lines, 1 to 1, differ"


def test_one_line_that_is_alike_is_enough():
    assert closest_region(["    retrun x"], LINES[:3]).sentence == "the closest lines, 3 to 3, differ"
