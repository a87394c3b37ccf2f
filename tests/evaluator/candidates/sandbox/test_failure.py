"""How a failure is told, a stranger's words in it."""

from __future__ import annotations

import pytest

from eplb_variants.errors import printable
from evaluator.candidates.sandbox.failure import CandidateFailed, told_failure


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (CandidateFailed("timed out", message="no answer in 20 s"), "timed out: no answer in 20 s"),
        (CandidateFailed("crashed", "ValueError", 7, "no"), "crashed: ValueError in line 7: no"),
        (CandidateFailed("crashed", "ValueError"), "crashed: ValueError"),
    ],
)
def test_a_failure_is_a_sentence(failure, said):
    assert str(failure) == said


@pytest.mark.parametrize(
    ("content", "line"), [(b"X\n12\nm", 12), ("X\n²\nm".encode(), 0), (b"X\n" + b"9" * 50, 0), (b"\xff", 0), (b"", 0)]
)
def test_what_a_process_says_of_its_failure_is_taken_with_care(content, line):
    assert told_failure(content).line == line


def test_nothing_that_a_terminal_obeys_is_passed_on():
    assert printable("a\x1b[2Jé\n") == "a\\x1b[2Jé\\n"
    assert "\x1b" not in str(told_failure(b"X\x1b\n1\n\x1b[2J"))
    assert len(str(told_failure(b"X" * 5000 + b"\n1\n" + b"y" * 5000))) < 700
