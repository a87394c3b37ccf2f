"""The closest lines to a SEARCH that does not match."""

from __future__ import annotations

from evaluator.candidates.documents.matching import closest
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


def test_the_most_frequent_lines_have_no_vote_where_there_are_too_many(monkeypatch):
    """A rare line still says where the SEARCH belongs; without one, the first line that is alike does."""
    monkeypatch.setattr(closest, "MOST_VOTES", 9)
    often = ["pass"] * 10
    region = closest_region([*often[:5], "def b():", "pass"], [*often, *LINES])
    assert region.sentence == "the closest lines, 10 to 16, differ"
    alike = closest_region(["pass"] * 5 + ["qqqqqq"], [*often, "    zzz"])
    assert alike.sentence == "the closest lines, 1 to 6, differ"


def test_lines_that_would_take_too_long_are_not_compared(monkeypatch):
    assert closest_region(["    retrun x"], LINES[:3]) is not None
    monkeypatch.setattr(closest, "MOST_LIKENESS", 10)
    assert closest_region(["    retrun x"], LINES[:3]) is None


def test_a_long_difference_is_said_and_not_shown():
    wanted = [f"x = {number}" for number in range(closest.MOST_DIFF + 1)]
    region = closest_region(wanted, [*wanted[:-1], "y"])
    assert region.sentence == f"the closest lines, 1 to {closest.MOST_DIFF + 1}, differ"
    assert region.diff == ""
