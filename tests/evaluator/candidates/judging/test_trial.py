"""A trial: a program that does not load or answer is invalid, by the check and the load where it failed."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest

from evaluator.candidates.judging import asking, trial
from evaluator.candidates.judging.alike import PROCESSES, twins
from evaluator.candidates.judging.asking import Process
from evaluator.candidates.judging.checks import Invalid
from evaluator.candidates.judging.decoys import Asked, asked_about
from evaluator.candidates.judging.stages import FIRST
from evaluator.candidates.judging.trial import LOADS, ToAsk, place, try_out
from evaluator.candidates.program import Program, example_program
from evaluator.quality import metrics

from ..conftest import wrapped

PARENT = example_program()


DRAW = np.random.default_rng(0)


def about(windows):
    """Return what a process is asked about that is judged on the first window of a trace."""
    return to_ask(asked_about([windows[0]], [0], LOADS, DRAW))


def to_ask(asked):
    """Return what a process is asked about in labels that are drawn."""
    return [ToAsk(one) for one in asked]


def counted(processes):
    """Return the traces whose windows were placed, sorted."""
    return sorted(one.asked.trace for placed in processes for one in placed if one.asked.counts)


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
        try_out(judge.sandbox, Program("broken", source), judge.settings.training)
    assert (caught.value.check, caught.value.load) == ("answer", "loading the program")


@pytest.mark.parametrize(
    "body",
    ["return 'phy2log'", "raise ValueError('no')", "raise SystemExit(0)", "raise KeyboardInterrupt", "return 0.5"],
)
def test_a_program_that_does_not_answer(judge, windows, topology, body):
    source = f"def rebalance_experts(*_):\n    {body}"
    with pytest.raises(Invalid) as caught:
        place(judge.sandbox, Program("broken", source), [about(windows)], topology, DRAW)
    assert (caught.value.check, caught.value.load) == ("answer", "the workload")


def test_every_window_of_every_trace_is_placed_and_the_hard_loads_are_counted(judge, small_stratum):
    strata = [small_stratum(windows=3, seeds=(5, 6)), small_stratum(windows=4)]
    tried = try_out(judge.sandbox, PARENT, strata)
    assert [[len(one.rows) for one in stratum] for stratum in tried.replays] == [[3, 3], [4]]
    assert [row["window"] for row in tried.replays[0][1].rows] == [0, 1, 2]
    first, second = (one.rows[0]["balancedness_gpu_own"] for one in tried.replays[0])
    assert first != second, "each trace has windows of its own"
    assert tried.passed == (26, ())
    assert tried.repeats
    assert tried.seconds > 0
    assert not tried.given_up


def test_a_process_sees_one_window_of_a_trace_and_as_many_loads_as_one_that_is_timed(judge, small_stratum, monkeypatch):
    seen = []

    def watched(sandbox, program, asked, topology, draw):
        seen.extend([one.asked for one in process] for process in asked)
        return place(sandbox, program, asked, topology, draw)

    monkeypatch.setattr(trial, "place", watched)
    try_out(judge.sandbox, PARENT, [small_stratum(windows=2, seeds=tuple(range(7)))])
    counting = [sum(one.counts for one in asked) for asked in seen]
    assert sorted(counting) == [0] * (PROCESSES + 1) + [3, 3, 4, 4]
    assert {len(asked) for asked in seen} == {LOADS}
    for asked in seen:
        traces = [one.trace for one in asked if one.counts]
        assert len(set(traces)) == len(traces)


def test_what_is_asked_never_comes_again_and_never_under_the_names_of_the_trace(judge, small_stratum, monkeypatch):
    """Of all that is asked, only what asks whether programs place alike is asked of both, and of no window."""
    loads, original = [], Process.make_ready

    def watched(self, asked):
        loads.append(asked.load_LE)
        original(self, asked)

    monkeypatch.setattr(Process, "make_ready", watched)
    strata = [small_stratum(windows=3, seeds=tuple(range(6)))]
    try_out(judge.sandbox, PARENT, strata)
    try_out(judge.sandbox, PARENT, strata)
    asked = Counter(load.tobytes() for load in loads)
    twice = [load for load in loads if asked[load.tobytes()] > 1]
    in_order = {np.sort(load, axis=1).tobytes() for load in twice}
    windows = {np.sort(np.asarray(one, dtype=float), axis=1).tobytes() for trace in strata[0].traces for one in trace}
    assert not in_order & windows, "a window was asked about twice in the same labels"
    as_it_was = {np.asarray(one, dtype=float).tobytes() for trace in strata[0].traces for one in trace}
    assert not as_it_was & set(asked), "a window was asked about under the names that it has in its trace"


def test_windows_of_a_trace_are_asked_about_in_their_order(judge, small_stratum, monkeypatch):
    """Whoever has seen the next window could tell whoever is asked about this one."""
    loads, original = [], Process.make_ready

    def watched(self, asked):
        loads.append(np.sort(asked.load_LE, axis=1).tobytes())
        original(self, asked)

    monkeypatch.setattr(Process, "make_ready", watched)
    stratum = small_stratum(windows=5, seeds=(1, 2, 3, 4, 5, 6))
    try_out(judge.sandbox, PARENT, [stratum])
    for trace in stratum.traces:
        places = [loads.index(np.sort(np.asarray(one, dtype=float), axis=1).tobytes()) for one in trace]
        assert places == sorted(places)


def test_decoys_are_the_same_for_all_that_have_the_same_twins_and_windows_are_in_labels_of_their_own(
    judge, small_stratum, monkeypatch
):
    loads, original = [], Process.make_ready

    def watched(self, asked):
        loads[-1].add((asked.load_LE.tobytes(), asked.seed))
        original(self, asked)

    monkeypatch.setattr(Process, "make_ready", watched)
    strata = [small_stratum(windows=3, seeds=(1, 2, 3))]
    alike = twins(strata, DRAW)
    found = []
    for program, same_twins in ((PARENT, alike), (Program("other", f"{PARENT.source}\n"), alike), (PARENT, None)):
        loads.append(set())
        found.append(try_out(judge.sandbox, program, strata, twins=same_twins))
    parent, other, apart = found
    shared = 3 * (LOADS - 3) + (PROCESSES + 1) * LOADS
    assert len(parent.marks) == shared
    assert parent.marks == other.marks
    assert len(loads[0] & loads[1]) == shared
    assert not loads[0] & loads[2]
    assert parent.marks != apart.marks


def test_a_program_that_differs_now_and_then_is_told_by_its_decoys(judge, small_stratum):
    """It places one load in four otherwise, by what the load is."""
    strata = [small_stratum(windows=5, seeds=(1,))]
    alike = twins(strata, DRAW)
    parent = try_out(judge.sandbox, PARENT, strata, twins=alike)
    seldom = wrapped("found = _honest(*arguments)[0]\nreturn found if int(weight[0, 0]) % 4 else found.flip(1)")
    own = try_out(judge.sandbox, Program("seldom", seldom), strata, twins=alike)
    assert own.marks.keys() == parent.marks.keys()
    assert 0 < sum(own.marks[key] != parent.marks[key] for key in own.marks) < len(own.marks)


def test_processes_take_turns_and_one_that_is_alone_waits(judge, small_stratum, monkeypatch):
    stratum = small_stratum(windows=1, seeds=(1, 2, 3))
    windows = [windows[0] for windows in stratum.traces]
    order, waits, original = [], [], Process.make_ready

    def watched(self, asked):
        order.append(id(self))
        original(self, asked)

    monkeypatch.setattr(Process, "make_ready", watched)
    monkeypatch.setattr(asking, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(trial.time, "sleep", waits.append)
    asked = [to_ask(asked_about(windows, [number], LOADS, DRAW)) for number in range(3)]
    assert counted(place(judge.sandbox, PARENT, asked, stratum.topology, DRAW)) == [0, 1, 2]
    one, other = order[:2]
    assert one != other
    assert order[: 2 * (LOADS + 1)] == [one, other] * (LOADS + 1), "the load of no use is the first question of each"
    assert sum(seconds > 0 for seconds in waits) == 1 + LOADS, "as long as another would take to start, and to answer"


def test_a_placement_is_in_the_labels_of_its_window(judge, small_stratum):
    """Whatever the labels are: where no two experts have the same load, the example program places them alike."""
    stratum = small_stratum(windows=2, seeds=(3,))
    window_LE = stratum.traces[0][0] + np.linspace(0, 0.4, 16)
    asked = [to_ask([Asked(0, True, window_LE)])]
    one, other = (
        place(judge.sandbox, PARENT, asked, stratum.topology, np.random.default_rng(seed))[0][0].placement.phy2log
        for seed in (1, 2)
    )
    np.testing.assert_array_equal(one, other)


def test_a_slow_program_has_a_process_for_each_window_and_no_decoys(judge, small_stratum, monkeypatch):
    monkeypatch.setattr(trial, "SLOW_SECONDS", 0.0)
    started = []
    monkeypatch.setattr(trial, "Process", lambda *a: started.append(1) or Process(*a))
    stratum = small_stratum(windows=1, seeds=(1, 2, 3))
    windows = [windows[0] for windows in stratum.traces]
    asked = asked_about(windows, [0, 1, 2], LOADS, DRAW)
    assert counted(place(judge.sandbox, PARENT, [to_ask(asked)], stratum.topology, DRAW)) == [0, 1, 2]
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
    asked = sorted(about(windows), key=lambda one: one.asked.counts)
    honest, stale = (
        place(judge.sandbox, Program("x", text), [asked], topology, DRAW)[0][-1].placement
        for text in (PARENT.source, source)
    )
    balance = [metrics.balance(windows[0], placement).gpu for placement in (honest, stale)]
    assert balance[1] < balance[0] - 0.05
