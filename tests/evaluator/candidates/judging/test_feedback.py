"""What is said back to a model: words and numbers of ours alone."""

from __future__ import annotations

import json

import pytest

from evaluator.candidates.judging.feedback import ADVICE, feedback
from evaluator.candidates.judging.schema import ARROW, INVALID, TIMED_OUT
from evaluator.candidates.program import example_program


def failure(check, detail, verdict=INVALID):
    return {"verdict": verdict, "check": check, "check_load": "mild", "detail": detail}


@pytest.mark.parametrize("check", ADVICE)
def test_every_check_has_its_advice_and_none_repeats_the_program(check):
    told = feedback(failure(check, "crashed: LEAK in line 3: ValueError 1234567 [[0.5]]"))
    assert told["check"] == check
    assert ADVICE[check] in told["text"]
    assert "'mild'" in told["text"]
    for word in ("LEAK", "1234567", "[["):
        assert word not in json.dumps(told)


def test_pythons_own_errors_are_named():
    crashed = failure("answer", "crashed: ZeroDivisionError in line 2: division by zero")
    assert "it raised ZeroDivisionError" in feedback(crashed)["text"]
    assert "memory or CPU time" in feedback(failure("answer", "killed: ended by SIGKILL"))["text"]
    assert "time limit" in feedback(failure("answer", "no answer in 20 s", TIMED_OUT))["text"]


@pytest.mark.parametrize(
    "detail",
    [
        "crashed: LeakOf1234 in line 3: x",
        "crashed: ValueError1234: x",
        "crashed: 1234 KeyError in line 3",
        "crashed: UserWarning1234",
        "crashed: 1234",
    ],
)
def test_all_other_errors_are_one_class(detail):
    """A program can call its exceptions what it likes, and a load can be written as such a name."""
    told = json.dumps(feedback(failure("answer", detail)))
    assert "it raised an exception of its own" in told
    assert "1234" not in told
    assert "KeyError" not in told


def test_an_error_without_a_word_is_named_all_the_same():
    assert "it raised MemoryError" in feedback(failure("answer", "crashed: MemoryError"))["text"]
    assert "it raised KeyError" in feedback(failure("answer", "crashed: KeyError: 1234"))["text"]


def test_a_verdict_is_told_with_its_numbers(verdict):
    row = verdict(example_program().source + "\n# the same, told\n")
    told = feedback(row)
    assert "no effect" in told["text"]
    assert told["metrics"]["balancedness_gpu_next"]["difference"] == 0
    assert told["score"] == row["score"]
    assert set(row) == set(ARROW.names)


@pytest.mark.parametrize(
    ("said", "words"), [("slower", "it takes 1.50 times the parent's time"), (None, "nothing can be said of its time")]
)
def test_a_time_that_cannot_be_believed_is_not_told_as_one(verdict, said, words):
    row = verdict(example_program().source + "\n# the same, told\n")
    timed = {"time_ratio": 1.5, "time_ratio_low": 1.4, "time_ratio_high": 1.6, "time_verdict": said}
    assert words in feedback(row | timed)["text"]
