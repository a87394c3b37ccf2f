"""A program under the clock: what it is asked, and that its answers there are held to the judged ones."""

from __future__ import annotations

import os

import numpy as np
import pytest

from evaluator.analysis.statistics import Estimate
from evaluator.candidates.judging.asking import Process
from evaluator.candidates.judging.checks import Invalid
from evaluator.candidates.judging.timed import TimedProgram
from evaluator.candidates.judging.timing import done_outside
from evaluator.candidates.judging.trial import LOADS, TURNS
from evaluator.candidates.program import Program, example_program
from evaluator.timing.alone import on_one_core
from evaluator.timing.rounds import Timing

PARENT = example_program()
BROKEN = Program(
    "broken",
    PARENT.source.replace("def rebalance_experts(", "def _honest(") + "\ncalls = []\n\n"
    "def rebalance_experts(*arguments):\n    calls.append(1)\n"
    "    answer = _honest(*arguments)[0]\n    return answer if len(calls) < 2 else answer * 0\n",
)
"""It answers once, for the load of no use."""


@pytest.fixture(scope="module")
def stratum(small_stratum):
    """Return one with a trace of two windows."""
    return small_stratum(windows=2)


def test_two_programs_with_one_secret_get_loads_like_the_same_windows(judge, small_stratum, monkeypatch):
    """The very first call has a process of its own; then each of a round answers for as many loads as it has calls."""
    stratum = small_stratum(windows=4, seeds=(1, 2))
    labels, original = [], Process.make_ready

    def watched(self, asked):
        labels.append(asked.load_LE.tobytes())
        original(self, asked)

    monkeypatch.setattr(Process, "make_ready", watched)
    warm = TimedProgram(judge.sandbox, PARENT, stratum, LOADS, secret=7, warm_up=1)
    cold = TimedProgram(judge.sandbox, PARENT, stratum, LOADS, secret=7)
    other = TimedProgram(judge.sandbox, PARENT, stratum, LOADS, secret=8)
    warm(0)()
    for program in (warm, cold, other):
        for _ in range(TURNS * LOADS):
            program(0)()
        program.end()
    sizes = [[len(process) for process in program.balances] for program in (warm, cold, other)]
    assert sizes == [[1, LOADS, LOADS], [LOADS, LOADS], [LOADS, LOADS]]
    like = [
        [load.judged_LE.tolist() for process in balances for load, _ in process]
        for balances in (warm.balances[1:], cold.balances, other.balances)
    ]
    assert like[0] == like[1] != like[2]
    loads = [load.load_LE for program in (warm, cold) for process in program.balances for load, _ in process]
    in_order = {np.sort(load, axis=1).tobytes() for load in loads}
    assert len(in_order) == len(loads), "what one side has answered is of no use to the other"
    assert len(set(labels)) == len(labels), "nothing is asked about twice in the same form"


def test_processes_under_the_clock_come_from_two_interpreters_the_same_for_two_programs(judge, stratum, monkeypatch):
    """What an interpreter draws when it starts can make a program quick in one of them alone."""
    origins, original = [], Process.__init__

    def watched(self, sandbox, *rest):
        origins.append(sandbox)
        original(self, sandbox, *rest)

    monkeypatch.setattr(Process, "__init__", watched)
    of_program = []
    for _ in range(2):
        program = TimedProgram(judge.sandbox, PARENT, stratum, 1, secret=7)
        for _ in range(8):
            program(0)()
        program.end()
        of_program.append([one is judge.sandbox.sibling for one in origins])
        assert set(origins) == {judge.sandbox, judge.sandbox.sibling}
        origins.clear()
    assert of_program[0] == of_program[1]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system does not say which cores a thread has")
def test_a_process_under_the_clock_runs_on_the_core_of_the_thread_that_asks(judge, stratum):
    program = TimedProgram(judge.sandbox, PARENT, stratum, LOADS, secret=7)
    with on_one_core(np.random.default_rng(0)):
        program(0)
        core = os.sched_getaffinity(0)
        workers = [worker for one in (judge.sandbox, judge.sandbox.sibling) for worker in one._living.values()]
        assert len(workers) == TURNS
        assert all(os.sched_getaffinity(worker.process.pid) == core for worker in workers)
    program.kill()


def test_a_paused_process_uses_no_time_and_its_own_is_known(judge, stratum):
    program = TimedProgram(judge.sandbox, PARENT, stratum, LOADS, secret=7)
    assert program.cpu_seconds() == 0.0
    call = program(0)
    before = program.cpu_seconds()
    call()
    program.rest()
    after = program.cpu_seconds()
    assert after > before
    assert program.cpu_seconds() == after
    program.kill()
    assert program.cpu_seconds() == 0.0


def test_processes_of_a_round_take_turns_and_another_round_has_others(judge, stratum, monkeypatch):
    asked, original = [], Process.make_ready

    def watched(self, question):
        asked.append(self)
        original(self, question)

    monkeypatch.setattr(Process, "make_ready", watched)
    program = TimedProgram(judge.sandbox, PARENT, stratum, LOADS, secret=7)
    for number in range(2):
        for _ in range(TURNS * LOADS):
            program(number)()
    program.end()
    rounds = [asked[: TURNS * (LOADS + 1)], asked[TURNS * (LOADS + 1) :]]
    for one in rounds:
        calls = one[TURNS:]  # the first question of each is the load of no use
        assert calls == [*one[:TURNS]] * LOADS
        assert len(set(calls)) == TURNS
    assert not {*rounds[0]} & {*rounds[1]}
    assert [len(process) for process in program.outside_seconds] == [LOADS] * TURNS * 2
    assert min(map(min, program.outside_seconds)) > 0


def timing(wall, ratio=1.0):
    return Timing(np.full(20, wall), np.full(20, wall), wall, Estimate(ratio, ratio, ratio, 20), True)


@pytest.mark.parametrize(
    ("more", "found", "outside"),
    [
        (0.0, timing(0.002), 0.0),
        (0.0003, timing(0.002), 0.0003),
        (0.0003, timing(0.2), 0.0),  # of little account
        (0.0003, timing(0.001, ratio=0.01), 0.0),  # the parent takes a tenth of a second
    ],
)
def test_what_is_done_outside_the_clock_is_known_by_the_parent(more, found, outside):
    draw = np.random.default_rng(1)
    own, other = 0.0004 + 0.0001 * draw.gamma(2, size=(2, 40, LOADS))
    assert done_outside(own + more, other, found) == pytest.approx(outside, abs=0.0001)


def test_that_an_honest_program_does_something_outside_the_clock_is_rarely_said():
    """Where calls are as long as the difference that counts would be 20 us, of 400 pairs of equals 1.5% at most."""
    draw, said = np.random.default_rng(2), 0
    for _ in range(400):
        own, other = 0.0004 + 0.0001 * draw.gamma(2, size=(2, 40, LOADS))
        said += done_outside(own, other, timing(0.0001)) > 0
    assert said <= 6


def test_what_fails_under_the_clock_is_the_failure_of_its_own_side(judge, stratum):
    """Its answer is looked at when the other side is made ready, which is none of that side's business."""
    broken = TimedProgram(judge.sandbox, BROKEN, stratum, 2, secret=1)
    call = broken(0)
    call()
    broken.rest()
    with pytest.raises(Invalid, match="phy2log"):
        broken(0)
    broken.kill()


def test_time_that_is_up_ends_the_rounds(judge, stratum):
    program = TimedProgram(judge.sandbox, PARENT, stratum, 2, secret=1, deadline=0.0)
    with pytest.raises(Invalid, match="too long in all") as caught:
        program(0)
    assert caught.value.timed_out


def under_the_clock(judge, stratum, better=0.0):
    """Return the parent after two rounds, whose answers were so much better than they are without a clock."""
    contestant = TimedProgram(judge.sandbox, PARENT, stratum, LOADS, secret=3)
    for number in range(2):
        for _ in range(TURNS * LOADS):
            contestant(number)()
    contestant.end()
    contestant.balances = [[(load, own + better) for load, own in process] for process in contestant.balances]
    return contestant


def test_answers_under_the_clock_are_those_that_are_given_without(judge, stratum):
    under_the_clock(judge, stratum).check_again()
    under_the_clock(judge, stratum, better=0.1).check_again()


def test_answers_under_the_clock_may_not_be_worse_than_without_one(judge, stratum):
    with pytest.raises(Invalid, match="under the clock are worse") as caught:
        under_the_clock(judge, stratum, better=-0.1).check_again()
    assert caught.value.check == "state"


def test_what_is_asked_again_is_asked_in_other_labels(judge, stratum, monkeypatch):
    contestant, labels, original = under_the_clock(judge, stratum), [], Process.make_ready

    def watched(self, asked):
        labels.append(asked.load_LE)
        original(self, asked)

    monkeypatch.setattr(Process, "make_ready", watched)
    contestant.check_again()
    timed_loads = [load.load_LE for process in contestant.balances for load, _ in process]
    in_order = {np.sort(load, axis=1).tobytes() for load in timed_loads}
    again = [load for load in labels if np.sort(load, axis=1).tobytes() in in_order]
    assert len(again) == len(timed_loads)
    assert not {load.tobytes() for load in again} & {load.tobytes() for load in timed_loads}


@pytest.mark.parametrize(
    ("lost", "known", "fails"), [(0.0, 0.0, False), (0.2, 0.0, True), (0.2, -0.2, False), (0.0, 0.2, True)]
)
def test_what_is_lost_under_the_clock_is_what_was_lost_without(judge, stratum, lost, known, fails):
    """However a program knows that it is timed: it may not be careless then, nor be better only where it is not."""
    contestant, beside = under_the_clock(judge, stratum, better=-lost), under_the_clock(judge, stratum)
    difference = Estimate(known, known - 0.001, known + 0.001, 60)
    if not fails:
        contestant.check(beside, difference)
        return
    with pytest.raises(Invalid, match="worse beside its parent") as caught:
        contestant.check(beside, difference)
    assert caught.value.check == "state"


@pytest.mark.parametrize(("known", "fails"), [(0.003, True), (-0.003, False)])
def test_a_better_program_has_no_ruinous_call(judge, stratum, known, fails):
    """One call in some, which windows that count may all have missed: on average it is hardly a loss."""
    contestant, beside = under_the_clock(judge, stratum, better=0.02), under_the_clock(judge, stratum)
    load, _ = contestant.balances[1][0]
    contestant.balances[1][0] = load, 0.4 * min(own for process in beside.balances for _, own in process)
    difference = Estimate(known, known - 0.001, known + 0.001, 60)
    if not fails:
        contestant.check(beside, Estimate(known, known - 1.0, known + 1.0, 60))
        return
    with pytest.raises(Invalid, match="less than half as well as its parent ever did"):
        contestant.check(beside, difference)


@pytest.mark.long
@pytest.mark.parametrize(("pairs", "rounds"), [(4, 4000), (8, 4000), (60, 4000)])
def test_equals_are_rarely_told_that_they_do_worse_under_the_clock(judge, stratum, pairs, rounds):
    """However few processes there are: .13% of equals are so told by chance, and of 4,000 no more than 15."""
    draw, told = np.random.default_rng(pairs), 0
    contestant, beside = (TimedProgram(judge.sandbox, PARENT, stratum, LOADS, secret=3) for _ in range(2))
    for _ in range(rounds):
        contestant.balances, beside.balances = (
            [[(None, value)] for value in 0.9 + 0.1 * draw.normal(size=pairs)] for _ in range(2)
        )
        try:
            contestant.check(beside, Estimate(0.0, 0.0, 0.0, 0))
        except Invalid:
            told += 1
    assert told <= 15
