"""A trial: a program that does not load or answer is invalid, by the check and the load where it failed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from evaluator.candidates.judging.checks import Invalid
from evaluator.candidates.judging.trial import STALE, TimedProgram, Trial, loaded, place, try_out
from evaluator.candidates.program import Program, example_program
from evaluator.candidates.sandbox.worker import call_bytes

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
    trial = try_out(judge.sandbox, PARENT, judge.windows[:3], judge.settings.topology)
    assert len(trial.rows) == len(trial.placements) == 3
    assert trial.checked_loads > 30
    assert trial.repeats


@pytest.fixture
def under_the_clock(judge):
    """Return a function that checks one answer of the parent under the clock against a trial of the first window."""
    topology = judge.settings.topology
    judged = try_out(judge.sandbox, PARENT, judge.windows[:2], topology)

    def check(**changes):
        contestant = TimedProgram(judge.sandbox, PARENT, judge.windows[:2], topology)
        worker = judge.sandbox.load(PARENT.source)
        contestant.answers.append((0, worker.ask(call_bytes(judge.windows[0], topology))))
        worker.kill()
        contestant.check(dataclasses.replace(judged, **changes))

    check.judged = judged
    return check


def test_the_answer_under_the_clock_is_the_judged_one(under_the_clock):
    under_the_clock()
    turned = [np.roll(phy2log, 1, axis=1) for phy2log in under_the_clock.judged.placements]
    with pytest.raises(Invalid, match="is not the one that was judged") as caught:
        under_the_clock(placements=turned)
    assert caught.value.check == "state"
    under_the_clock(placements=turned, repeats=False)


def test_a_program_that_draws_may_not_be_worse_under_the_clock(under_the_clock):
    trial: Trial = under_the_clock.judged
    better = [row | {"balancedness_gpu_own": row["balancedness_gpu_own"] + 2 * STALE} for row in trial.rows]
    with pytest.raises(Invalid, match="under the clock are worse"):
        under_the_clock(rows=better, repeats=False)
