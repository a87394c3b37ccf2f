from __future__ import annotations

import math

import pytest

from evaluator.analysis.statistics import BETTER, SAME, UNSURE, WORSE
from evaluator.shown import words


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [(0.12345, ".4f", "0.1235"), (-0.00001, "+.4f", "+0.0000"), (-0.00001, ".4f", "0.0000"), (None, ".4f", "-"),
     (math.nan, ".2f", "-"), (-0.001, ".0%", "0%"), (-1.5, ".4f", "-1.5000")],
)  # fmt: skip
def test_a_number_has_no_minus_before_nought_and_is_a_dash_where_it_is_missing(value, form, text):
    assert words.number(value, form) == text


def test_an_interval_stands_in_brackets_where_it_is_known():
    assert words.interval(0.5, 0.4, 0.6, ".1f") == "0.5 [0.4, 0.6]"
    assert words.interval(0.5, None, math.nan, ".1f") == "0.5"
    assert words.interval(None, 0.1, 0.2) == "-"
    assert words.interval_of({"a": 1.0, "a_low": 0.5, "a_high": 2.0}, "a", ".1f") == "1.0 [0.5, 2.0]"
    assert words.interval_of({}, "a") == "-", "a column that is not there is missing"


@pytest.mark.parametrize(
    ("verdict", "text"), [(BETTER, "0.50 faster"), (WORSE, "0.50 slower"), (SAME, "0.50 ~"), (None, "0.50")]
)
def test_a_ratio_has_a_word_only_where_a_verdict_was_given(verdict, text):
    assert words.ratio({"time_ratio": 0.5, "time_verdict": verdict}) == text
    assert words.ratio({"time_ratio": None, "time_verdict": None}) == "-"


@pytest.mark.parametrize(
    ("text", "tone"),
    [("better", "green"), ("worse", "red"), ("timed out", "red"), ("invalid", "red"), ("no difference", None),
     ("1.15 [1.13, 1.17] slower", "red"), ("0.9 faster !", "green"), ("0.9 faster (disturbed)", "green"),
     ("-0.2 v", "red"), ("+0.2 ^", "green"), ("+0.0 ~", None), ("-", None), ("", None)],
)  # fmt: skip
def test_the_same_words_have_the_same_colour_everywhere(text, tone):
    assert words.tone(text) == tone


def test_every_verdict_has_a_mark_and_its_meaning_is_told():
    for verdict in (BETTER, WORSE, SAME, UNSURE):
        assert f"{words.MARKS[verdict]} {verdict}" in words.MARKS_MEAN


def test_names_are_broken_after_commas_and_brackets_alone_if_that_suffices():
    name = "seed_parent[replicator.name=dhondt,fixup.moves=0,gpu_packer.name=diverse]"
    assert words.broken(name, 40).splitlines() == [
        "seed_parent[replicator.name=dhondt,",
        "fixup.moves=0,gpu_packer.name=diverse]",
    ]
    assert words.broken("a_name_that_has_no_comma_at_all", 8) == "a_name_that_has_no_comma_at_all"
    assert words.broken("a[packer.name=proportional]", 14).splitlines() == ["a[packer.name=", "proportional]"]


def test_titles_are_shortened_by_what_all_of_them_end_with():
    assert words.shortened(["a[l=8,w=2] on t", "b[l=8,w=2] on t"]) == (["a", "b"], "[l=8,w=2] on t")
    assert words.shortened(["a[l=8,w=2] on t", "b[l=9,w=2] on t"]) == (["a[l=8,w=2]", "b[l=9,w=2]"], "on t")
    assert words.shortened(["a on t", "a on u"]) == (["a on t", "a on u"], "")
    assert words.shortened(["only on t"]) == (["only on t"], "")


def test_a_long_list_says_how_many_more_there_are():
    assert words.listed(["a", "b", "c"], 2) == "a, b and 1 more"
    assert words.listed(["a", "b"], 2) == "a, b"


def test_the_extent_of_an_interval_is_said_in_words():
    assert words.over(6, 2) == "over 6 traces"
    assert words.over(1, 1) == "over the windows of this one trace"
    assert words.over(3, 3) == "over the windows of these 3 traces"
