"""What a search is told: one finite score that depends on nothing before, and no gain for no difference."""

from __future__ import annotations

import math

import pytest

from evaluator.candidates.judging import schema
from evaluator.evolve.answers import KINDS, answer_on, failure, rejected

HEADLINE = "balancedness_gpu_next"


def row(verdict, difference=0.0, **more):
    made = dict.fromkeys(schema.ARROW.names)
    made |= {"verdict": verdict, "check": None, "stage": "training", HEADLINE: 0.7 + difference}
    made |= {f"{HEADLINE}_parent": 0.7, f"{HEADLINE}_difference": difference, "repeats": True}
    made |= {f"{HEADLINE}_difference_low": difference - 0.001, f"{HEADLINE}_difference_high": difference + 0.001}
    return {**made, **more}


@pytest.mark.parametrize(
    ("verdict", "difference", "score"),
    [
        (schema.BETTER, 0.02, 0.77),
        (schema.WORSE, -0.02, 0.73),
        (schema.NO_DIFFERENCE, 0.002, 0.75),
        (schema.NO_DIFFERENCE, -0.5, 0.75),
        (schema.IDENTICAL, 0.0, 0.75),
    ],
)
def test_only_what_is_beyond_chance_changes_the_score(verdict, difference, score):
    answer = answer_on("k", row(verdict, difference), 0.75)
    assert answer["combined_score"] == pytest.approx(score)
    assert answer["correct"] is True
    assert answer["metrics"]["difference"] == difference
    assert answer["metrics"]["seed"] == 0.75


@pytest.mark.parametrize("verdict", [schema.INVALID, schema.TIMED_OUT])
def test_what_is_not_valid_scores_nought_and_says_why_in_our_words(verdict):
    made = row(verdict, check="answer", check_load="mild", detail="it crashed: Secret('text of the program')")
    answer = answer_on("k", made, 0.75)
    assert (answer["combined_score"], answer["correct"], answer["metrics"]) == (0.0, False, {})
    assert "Secret" not in answer["feedback"]
    assert rejected("k", "why")["correct"] is False


def test_a_valid_program_scores_more_than_one_that_is_not_however_bad():
    assert answer_on("k", row(schema.WORSE, -0.9), 0.75)["combined_score"] > 0


def test_nothing_is_none_or_nan_among_the_numbers_and_nothing_of_the_held_out_part_is_told():
    made = row(schema.BETTER, 0.02, moved_slots=math.nan, held_out_difference=0.0123456, confirmed=True)
    answer = answer_on("k", made, 0.75)
    assert all(math.isfinite(value) for value in answer["metrics"].values())
    assert "0123456" not in str(answer)
    assert "confirmed" not in answer


def test_failures_of_the_bench_have_no_score():
    for kind in KINDS:
        assert "combined_score" not in failure(kind, "why")


def test_feedback_says_in_which_windows_most_was_gained_and_lost_and_where_it_was_given_up():
    made = row(schema.WORSE, -0.1, stage=schema.FIRST_WINDOWS)
    made |= {"next_by_window": [0.9, 0.5, None, 0.7], "next_by_window_parent": [0.8, 0.75, None, 0.7]}
    words = answer_on("k", made, 0.75)["feedback"]
    assert "it beats the seed program in 1 of 3 windows, most by 0.1000 (0.9000 against 0.8000)" in words
    assert "it loses most by 0.2500 (0.5000 against 0.7500)" in words
    assert words.endswith("given up after the first windows of every trace")
