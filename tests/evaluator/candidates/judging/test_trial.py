"""A trial: a program that does not load or answer is invalid, by the check and the load where it failed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from evaluator.candidates.judging import trial
from evaluator.candidates.judging.checks import Invalid
from evaluator.candidates.judging.decoys import asked_about
from evaluator.candidates.judging.stages import FIRST
from evaluator.candidates.judging.trial import LOADS, loaded, place, try_out
from evaluator.candidates.program import Program, example_program
from evaluator.quality import metrics

PARENT = example_program()


def about(windows, topology, at=0):
    """Return what a process is asked about that is judged on the first window of a trace."""
    return asked_about([windows[0]], [0], LOADS, topology, np.random.default_rng(0), at)


@pytest.fixture
def windows(judge):
    """Return the windows of the judge's only trace."""
    return judge.settings.training[0].traces[0]


@pytest.fixture
def topology(judge):
    """Return the judge's only topology."""
    return judge.settings.training[0].topology


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
def test_a_program_that_does_not_answer(judge, windows, topology, body):
    source = f"def rebalance_experts(*_):\n    {body}"
    with pytest.raises(Invalid) as caught:
        place(judge.sandbox, Program("broken", source), about(windows, topology), topology)
    assert (caught.value.check, caught.value.load) == ("answer", "the workload")


def test_every_window_of_every_trace_is_placed_and_the_hard_loads_are_counted(judge, small_stratum):
    strata = [small_stratum(windows=3, seeds=(5, 6)), small_stratum(windows=4)]
    tried = try_out(judge.sandbox, PARENT, strata)
    assert [[len(one.rows) for one in stratum] for stratum in tried.replays] == [[3, 3], [4]]
    assert [[len(one.placements) for one in stratum] for stratum in tried.replays] == [[3, 3], [4]]
    assert [row["window"] for row in tried.replays[0][1].rows] == [0, 1, 2]
    first, second = (one.placements[0] for one in tried.replays[0])
    assert not np.array_equal(first, second), "each trace has windows of its own"
    assert tried.checked_loads > 30
    assert tried.repeats
    assert tried.seconds > 0
    assert not tried.given_up


def test_a_process_sees_one_window_of_a_trace_and_as_many_loads_as_one_that_is_timed(judge, small_stratum, monkeypatch):
    seen = []

    def watched(sandbox, program, asked, topology, seed=0):
        seen.append(asked)
        return place(sandbox, program, asked, topology, seed)

    monkeypatch.setattr(trial, "place", watched)
    strata = [small_stratum(windows=2, seeds=tuple(range(7)))]
    tried = try_out(judge.sandbox, PARENT, strata)
    *judged, again = seen
    assert [sum(one.counts for one in asked) for asked in judged] == [4, 3, 4, 3]
    assert {len(asked) for asked in seen} == {LOADS}
    assert sum(one.counts for one in again) == 1
    for asked in judged:
        traces = [one.trace for one in asked if one.counts]
        assert len(set(traces)) == len(traces)
    alone = [placement for stratum in strata[0].traces[:1] for placement in stratum]
    placed = place(judge.sandbox, PARENT, about(alone, strata[0].topology), strata[0].topology)[0].placement
    np.testing.assert_array_equal(tried.replays[0][0].placements[0], placed.phy2log)


def test_a_slow_program_has_a_process_for_each_window_and_no_decoys(judge, small_stratum, monkeypatch):
    monkeypatch.setattr(trial, "SLOW_SECONDS", 0.0)
    started = []
    original = trial.warmed_up
    monkeypatch.setattr(trial, "warmed_up", lambda *a: started.append(1) or original(*a))
    stratum = small_stratum(windows=1, seeds=(1, 2, 3))
    windows = [windows[0] for windows in stratum.traces]
    asked = asked_about(windows, [0, 1, 2], LOADS, stratum.topology, np.random.default_rng(0))
    placed = place(judge.sandbox, PARENT, asked, stratum.topology)
    assert sorted(placed) == [0, 1, 2]
    assert len(started) == 3 + (not asked[0].counts)


def test_a_program_whose_first_windows_are_hopeless_is_given_up(judge, small_stratum):
    strata = [small_stratum(windows=3, seeds=tuple(range(12)))]
    parent = try_out(judge.sandbox, PARENT, strata)
    blind = PARENT.source.replace("weight = weight.float().cpu()", "weight = torch.ones_like(weight.float().cpu())")
    tried = try_out(judge.sandbox, Program("blind", blind), strata, parent)
    assert tried.given_up
    assert {len(one.rows) for one in tried.replays[0]} == {FIRST}
    assert not try_out(judge.sandbox, PARENT, strata, parent).given_up


def test_what_a_program_kept_from_a_decoy_is_of_no_use(judge, windows, topology):
    """It is judged after as many decoys as chance has it, so that an old answer is a bad one."""
    source = PARENT.source.replace("def rebalance_experts(", "def _honest(") + (
        "\nkept = []\n\n"
        "def rebalance_experts(*arguments):\n    kept.append(_honest(*arguments))\n    return kept[-2:][0]\n"
    )
    honest, stale = (
        place(judge.sandbox, Program("x", text), about(windows, topology, at=LOADS - 1), topology)[0].placement
        for text in (PARENT.source, source)
    )
    balance = [metrics.balance(windows[0], placement).gpu for placement in (honest, stale)]
    assert balance[1] < balance[0] - 0.05
