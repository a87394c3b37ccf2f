"""A trial: a program that does not load or answer is invalid, by the check and the load where it failed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from evaluator.candidates.judging import trial
from evaluator.candidates.judging.checks import Invalid
from evaluator.candidates.judging.trial import LOADS, STALE, TimedProgram, Trial, loaded, place, try_out
from evaluator.candidates.program import Program, example_program
from evaluator.quality import metrics

PARENT = example_program()


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("", "no function rebalance_experts"),
        ("x = (", "SyntaxError in line 1"),
        ("rebalance_experts = 3", "no function rebalance_experts"),
        ("raise RuntimeError", "RuntimeError in line 1"),
        ("raise SystemExit(0)", "SystemExit in line 1"),
        ("import not_a_package", "ModuleNotFoundError in line 1"),
        ("while True: pass", "it used up its CPU time"),
    ],
)
def test_a_program_that_does_not_load(judge, monkeypatch, source, detail):
    monkeypatch.setattr(judge.sandbox, "limits", dataclasses.replace(judge.sandbox.limits, cpu_seconds=1))
    with pytest.raises(Invalid, match=detail) as caught:
        loaded(judge.sandbox, Program("broken", source))
    assert (caught.value.check, caught.value.load) == ("answer", "loading the program")


@pytest.mark.parametrize(
    "body",
    ["return 'phy2log'", "raise ValueError('no')", "raise SystemExit(0)", "raise KeyboardInterrupt", "return 0.5"],
)
def test_a_program_that_does_not_answer(judge, body):
    source = f"def rebalance_experts(*_):\n    {body}"
    with pytest.raises(Invalid) as caught:
        place(judge.sandbox, Program("broken", source), judge.windows[0], judge.settings.topology)
    assert (caught.value.check, caught.value.load) == ("answer", "the workload")


def test_every_window_is_placed_and_the_hard_loads_are_counted(judge):
    tried = try_out(judge.sandbox, PARENT, judge.windows[:3], judge.settings.topology)
    assert len(tried.rows) == len(tried.placements) == 3
    assert tried.checked_loads > 30
    assert tried.repeats
    assert tried.seconds > 0


def test_two_programs_with_one_secret_get_the_same_loads_in_the_same_rounds(judge):
    """The very first call has a process of its own; then each process answers for the window and for four decoys."""
    topology, windows = judge.settings.topology, judge.windows[:2]
    warm = TimedProgram(judge.sandbox, PARENT, windows, topology, LOADS, secret=7, warm_up=1)
    cold = TimedProgram(judge.sandbox, PARENT, windows, topology, LOADS, secret=7)
    other = TimedProgram(judge.sandbox, PARENT, windows, topology, LOADS, secret=8)
    warm(0)()
    for timed in (warm, cold, other):
        for number in range(2):
            for _ in range(LOADS):
                timed(number)()
        timed.end()
    assert len(warm.answers) == 3
    assert warm.answers[0][0] == 0
    assert [window for window, _ in cold.answers] == [0, 1]
    assert warm.balances[1:] == cold.balances
    assert [real for _, real, _ in cold.balances].count(True) == 2
    assert [own for *_, own in cold.balances] != [own for *_, own in other.balances]


def test_a_paused_process_uses_no_time_and_its_own_is_known(judge):
    timed = TimedProgram(judge.sandbox, PARENT, judge.windows[:2], judge.settings.topology, LOADS, secret=7)
    assert timed.cpu_seconds() == 0.0
    call = timed(0)
    before = timed.cpu_seconds()
    assert timed.cpu_seconds() == before > 0
    call()
    assert timed.cpu_seconds() > before
    timed.kill()
    assert timed.cpu_seconds() == 0.0


def test_what_a_program_kept_from_a_decoy_is_of_no_use(judge):
    """It is judged after as many decoys as chance has it, so that an old answer is a bad one."""
    source = PARENT.source.replace("def rebalance_experts(", "def _honest(") + (
        "\nkept = []\n\n"
        "def rebalance_experts(*arguments):\n    kept.append(_honest(*arguments))\n    return kept[-2:][0]\n"
    )
    honest, stale = (
        place(judge.sandbox, Program("x", text), judge.windows[0], judge.settings.topology, after=LOADS - 1).placement
        for text in (PARENT.source, source)
    )
    balance = [metrics.balance(judge.windows[0], placement).gpu for placement in (honest, stale)]
    assert balance[1] < balance[0] - 0.05


@pytest.fixture
def under_the_clock(judge):
    """Return a function that checks two rounds of the parent under the clock against a trial of the windows."""
    topology = judge.settings.topology
    judged = try_out(judge.sandbox, PARENT, judge.windows[:2], topology)

    def check(spoilt=None, **changes):
        contestant = TimedProgram(judge.sandbox, PARENT, judge.windows[:2], topology, 2, secret=3)
        for number in (0, 0, 1, 1):
            contestant(number)()
        contestant.end()
        contestant.balances = [
            (window, real, own - (0.3 if spoilt == ("window" if real else "decoys") else 0.0))
            for window, real, own in contestant.balances
        ]
        contestant.check(dataclasses.replace(judged, **changes))

    check.judged = judged
    return check


@pytest.mark.parametrize("spoilt", ["window", "decoys"])
def test_neither_the_window_nor_decoys_may_be_answered_worse_under_the_clock(under_the_clock, monkeypatch, spoilt):
    monkeypatch.setattr(trial, "CHANCE", 0.0)
    with pytest.raises(Invalid, match="under the clock are worse"):
        under_the_clock(spoilt)


def test_the_answer_under_the_clock_is_the_judged_one(under_the_clock):
    under_the_clock()
    turned = [np.roll(phy2log, 1, axis=1) for phy2log in under_the_clock.judged.placements]
    with pytest.raises(Invalid, match="is not the one that was judged") as caught:
        under_the_clock(placements=turned)
    assert caught.value.check == "state"
    under_the_clock(placements=turned, repeats=False)


def test_a_program_that_draws_may_not_be_worse_under_the_clock(under_the_clock):
    judged: Trial = under_the_clock.judged
    better = [row | {"balancedness_gpu_own": row["balancedness_gpu_own"] + 2 * STALE} for row in judged.rows]
    with pytest.raises(Invalid, match="under the clock are worse"):
        under_the_clock(rows=better, repeats=False)
