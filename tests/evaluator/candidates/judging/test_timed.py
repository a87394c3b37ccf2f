"""A program under the clock: what it is asked, and that its answers there are held to the judged ones."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest

from evaluator.candidates.judging import timed
from evaluator.candidates.judging.checks import Invalid
from evaluator.candidates.judging.timed import STALE, TimedProgram
from evaluator.candidates.judging.trial import LOADS, try_out
from evaluator.candidates.program import example_program
from evaluator.timing.alone import on_one_core

PARENT = example_program()


@pytest.fixture(scope="module")
def stratum(small_stratum):
    """Return one with a trace of two windows."""
    return small_stratum(windows=2)


def test_two_programs_with_one_secret_get_the_same_loads_in_the_same_rounds(judge, stratum):
    """The very first call has a process of its own; then each process answers for the window and for four decoys."""
    warm = TimedProgram(judge.sandbox, PARENT, stratum, LOADS, secret=7, warm_up=1)
    cold = TimedProgram(judge.sandbox, PARENT, stratum, LOADS, secret=7)
    other = TimedProgram(judge.sandbox, PARENT, stratum, LOADS, secret=8)
    warm(0)()
    for program in (warm, cold, other):
        for number in range(2):
            for _ in range(LOADS):
                program(number)()
        program.end()
    assert len(warm.answers) == 3
    assert warm.answers[0][1] == 0
    assert [window for _, window, _ in cold.answers] == [0, 1]
    assert warm.balances[1:] == cold.balances
    assert [counts for *_, counts, _ in cold.balances].count(True) == 2
    assert [own for *_, own in cold.balances] != [own for *_, own in other.balances]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system does not say which cores a thread has")
def test_a_process_under_the_clock_runs_on_the_core_of_the_thread_that_asks(judge, stratum):
    program = TimedProgram(judge.sandbox, PARENT, stratum, LOADS, secret=7)
    with on_one_core(np.random.default_rng(0)):
        program(0)
        core = os.sched_getaffinity(0)
        (worker,) = judge.sandbox._living.values()
        assert os.sched_getaffinity(worker._pid) == core
    program.kill()


def test_a_paused_process_uses_no_time_and_its_own_is_known(judge, stratum):
    program = TimedProgram(judge.sandbox, PARENT, stratum, LOADS, secret=7)
    assert program.cpu_seconds() == 0.0
    call = program(0)
    before = program.cpu_seconds()
    assert program.cpu_seconds() == before > 0
    call()
    assert program.cpu_seconds() > before
    program.kill()
    assert program.cpu_seconds() == 0.0


@pytest.fixture
def under_the_clock(judge, stratum):
    """Return a function that checks two rounds of the parent under the clock against a trial of the windows."""
    judged = try_out(judge.sandbox, PARENT, [stratum])
    replay = judged.replays[0][0]

    def check(spoilt=None, repeats=True, **changes):
        contestant = TimedProgram(judge.sandbox, PARENT, stratum, 2, secret=3)
        for number in (0, 0, 1, 1):
            contestant(number)()
        contestant.end()
        contestant.balances = [
            (*where, counts, own - (0.3 if spoilt == ("window" if counts else "decoys") else 0.0))
            for *where, counts, own in contestant.balances
        ]
        replays = [[dataclasses.replace(replay, **changes)]]
        contestant.check(dataclasses.replace(judged, replays=replays, repeats=repeats))

    check.replay = replay
    return check


@pytest.mark.parametrize("spoilt", ["window", "decoys"])
def test_neither_the_window_nor_decoys_may_be_answered_worse_under_the_clock(under_the_clock, monkeypatch, spoilt):
    monkeypatch.setattr(timed, "CHANCE", 0.0)
    with pytest.raises(Invalid, match="under the clock are worse"):
        under_the_clock(spoilt)


def test_the_answer_under_the_clock_is_the_judged_one(under_the_clock):
    under_the_clock()
    turned = [np.roll(phy2log, 1, axis=1) for phy2log in under_the_clock.replay.placements]
    with pytest.raises(Invalid, match="is not the one that was judged") as caught:
        under_the_clock(placements=turned)
    assert caught.value.check == "state"
    under_the_clock(placements=turned, repeats=False)


def test_a_program_that_draws_may_not_be_worse_under_the_clock(under_the_clock):
    rows = under_the_clock.replay.rows
    better = [row | {"balancedness_gpu_own": row["balancedness_gpu_own"] + 2 * STALE} for row in rows]
    with pytest.raises(Invalid, match="under the clock are worse"):
        under_the_clock(rows=better, repeats=False)
