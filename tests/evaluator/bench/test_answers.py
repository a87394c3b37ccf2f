"""Whatever a program writes in place of its answers ends in an answer or in words."""

from __future__ import annotations

import pytest

from evaluator.bench import answers
from evaluator.bench.answers import (
    ANSWERED,
    FAILED,
    REFUSED,
    case,
    end_of,
    honest_messages,
    measure_answers,
    try_answers,
)
from evaluator.candidates.sandbox import wire
from evaluator.progress import Silent


def framed(*messages):
    return b"".join(wire.FRAME.pack(kind, len(content)) + content for kind, content in messages)


LOADED, READY, RESULT, MAPS = honest_messages()


def test_hundreds_of_cases_end_in_an_answer_or_in_words():
    """None is waited for, none ends in a traceback; and there are some of each kind."""
    tally = try_answers(400, seed=1)
    assert tally.faults == {}
    assert sum(tally.ends.values()) == 400
    assert set(tally.ends) == {ANSWERED, REFUSED, FAILED}


def test_what_an_honest_process_writes_is_an_answer():
    assert end_of([framed(LOADED), framed(READY), framed(RESULT, MAPS)]) == (ANSWERED, "")


@pytest.mark.parametrize(
    ("parts", "end", "said"),
    [
        ([b"", b"", b""], FAILED, "exited"),
        ([framed(LOADED), framed(READY, RESULT), framed(MAPS)], FAILED, "out of turn"),
        ([framed(LOADED), framed(READY), framed(RESULT)], FAILED, "exited"),
        ([framed(LOADED), framed(READY), framed(MAPS)], FAILED, "out of turn"),
        ([framed(LOADED), framed(READY), wire.FRAME.pack(wire.RESULT, 1 << 60)], FAILED, "announced"),
        ([framed(LOADED), framed(READY), framed((wire.ERROR, b"KeyError\n7\n\x1b[2J"))], FAILED, "KeyError in line 7"),
        ([framed(LOADED), framed(READY), framed((wire.RESULT, wire.pack_arrays([None])), MAPS)], REFUSED, "nothing"),
    ],
)
def test_what_is_no_answer_ends_in_words(parts, end, said):
    found, words = end_of(parts)
    assert found == end
    assert said in words


def test_a_case_can_be_made_again():
    assert case(7) == case(7)
    assert case(7) != case(8)


def test_a_fault_is_told_of_and_missed(monkeypatch):
    monkeypatch.setattr(answers, "end_of", lambda parts: (answers.FAULT, "ValueError: of ours"))
    lines = measure_answers(Silent(), 100)
    assert [line.met for line in lines] == [None, None, None, False, True, None]
    assert "0: ValueError: of ours" in lines[3].what
