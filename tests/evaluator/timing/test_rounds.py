"""How time is taken; nothing here depends on how long anything takes."""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter

import numpy as np
import pytest

from eplb_variants import Topology, load_variant
from evaluator.timing import alone
from evaluator.timing import rounds as timing
from evaluator.timing.rounds import had_core, measure, time_prepared, time_variants, timing_of, typical, whole
from evaluator.timing.settings import TimingSettings
from evaluator.workloads.synthetic import Synthetic


def test_every_contestant_stands_beside_the_reference_in_every_round():
    calls = []

    def contestant(name):
        return lambda round_number: lambda: calls.append((round_number, name))

    times = measure({"a": contestant("a"), "b": contestant("b")}, contestant("ref"), TimingSettings(rounds=40))
    assert {name: pairs.shape for name, pairs in times.items()} == {"a": (40, 2, 2), "b": (40, 2, 2)}
    assert all((pairs[:, :, 0] > 0).all() for pairs in times.values())
    pairs = [frozenset((calls[i], calls[i + 1])) for i in range(0, len(calls), 2)]
    expected = Counter(frozenset(((r, n), (r, "ref"))) for r in range(40) for n in "ab")
    assert Counter(pairs) == expected
    first = [calls[i][1] for i in range(0, len(calls), 2)]
    assert 20 <= first.count("ref") <= 60, "who of the two is first must be drawn"
    first_of_round = [calls[i][1] if calls[i][1] != "ref" else calls[i + 1][1] for i in range(0, len(calls), 4)]
    assert 10 <= first_of_round.count("a") <= 30, "the order of contestants must be drawn"


def clock_of(monkeypatch, tmp_path):
    """Let a call return its own wall and CPU time."""
    monkeypatch.setattr(alone, "LOCK", str(tmp_path / "lock"))
    monkeypatch.setattr(timing, "_clocked", lambda call, *clocks: call())


def test_a_typical_call_is_the_mean_of_those_that_had_their_core():
    """Quick on one load in five is not quick; a call that lost its core does not count, with the one beside it."""
    wall = np.array([[8.0, 8.0], [2.0, 8.0], [8.0, 8.0], [80.0, 8.0]])
    cpu = np.where(wall > 10, 8.0, wall)
    found = typical(np.stack([wall, cpu], axis=-1))
    assert found[0, 0] == pytest.approx((8 + 2 + 8) / 3)
    assert found[1, 0] == pytest.approx(8)
    assert had_core(found[None])[0]
    lost = np.stack([wall[3:], cpu[3:]], axis=-1)
    assert not had_core(typical(lost)[None])[0]


def test_quick_calls_are_repeated_in_turn_and_the_quickest_counts(monkeypatch, tmp_path):
    clock_of(monkeypatch, tmp_path)
    own = iter([0.5, *[0.001] * 3, *[0.003, 0.002, 0.007, 0.004, 0.009] * 3])
    settings = TimingSettings(rounds=3, min_rounds=3, sample_seconds=0.01)
    contestant = {"a": lambda _: lambda: (next(own), np.nan)}
    (result,) = time_prepared(contestant, lambda _: lambda: (0.001, np.nan), settings).values()
    assert result.first == 0.5
    assert result.wall.tolist() == [0.002] * 3, "five pairs of calls a round are one sample"
    assert next(own, None) is None


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system does not say which cores a thread has")
@pytest.mark.parametrize(
    ("threads", "clock", "alone_on_one"),
    [(1, time.process_time, True), (2, time.process_time, False), (1, None, False)],
)
def test_calls_of_one_thread_that_follow_each_other_share_a_core(threads, clock, alone_on_one):
    """Calls that start processes are not held to a core, nor are those that may use several threads."""
    seen = []

    def prepare(_):
        return lambda: seen.append(frozenset(os.sched_getaffinity(0)))

    measure(
        {"one": prepare}, prepare, TimingSettings(rounds=3, threads=threads), repeats={"one": 2}, clocks=(clock, None)
    )
    rounds = [set(seen[start : start + 4]) for start in range(0, 12, 4)]
    assert all(len(cores) == 1 for cores in rounds)
    everything = frozenset(os.sched_getaffinity(0))
    assert all((len(next(iter(cores))) == 1) if alone_on_one else (cores == {everything}) for cores in rounds)


def test_what_made_some_calls_longer_does_not_change_the_ratio(monkeypatch, tmp_path):
    """A third of all calls lose their core for three times as long as they take: the mean of calls would be far off."""
    clock_of(monkeypatch, tmp_path)
    draw = np.random.default_rng(0)

    def taking(seconds):
        return lambda _: lambda: (seconds * (1 + 3 * (draw.random() < 1 / 3)) * draw.normal(1, 0.002), seconds)

    result = time_prepared({"a": taking(1.05e-3)}, taking(1e-3), TimingSettings())["a"]
    assert result.ratio.value == pytest.approx(1.05, abs=0.003)
    assert 1.04 < result.ratio.low < result.ratio.high < 1.06


def test_a_disturbed_round_is_drawn_again_and_does_not_count(monkeypatch, tmp_path):
    clock_of(monkeypatch, tmp_path)
    numbers = []

    def disturbed(number):
        numbers.append(number)
        late = number == 2 and numbers.count(2) < 3
        return lambda: (0.009, 0.003) if late else (0.002, 0.002)

    settings = TimingSettings(rounds=6)
    times = measure({"a": disturbed}, lambda _: lambda: (0.002, 0.002), settings)["a"]
    assert numbers == [0, 1, 2, 3, 4, 5, 2, 2]
    result = timing_of(times, first=1.0, valid=True)
    assert (result.ratio.value, result.ratio.num) == (1.0, 6)
    assert (result.disturbed, result.has_core) == (2, True)


def test_where_no_call_has_its_core_all_rounds_count_and_that_is_said():
    lost = lambda _: lambda: (0.02, 0.01)  # noqa: E731
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(timing, "_clocked", lambda call, *clocks: call())
        times = measure({"a": lost}, lost, TimingSettings(rounds=6))["a"]
    assert len(times) == timing.MOST_DRAWN * 6, "it does not go on for ever"
    result = timing_of(times, first=1.0, valid=True)
    assert (result.disturbed, result.has_core, result.ratio.num) == (18, False, 18)


def test_rounds_are_drawn_again_only_while_there_is_time():
    lost = lambda _: lambda: (0.2, 0.1)  # noqa: E731
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(timing, "_clocked", lambda call, *clocks: call())
        times = measure({"a": lost}, lost, TimingSettings(rounds=8, seconds=3.0))["a"]
    assert len(times) == 8


def test_a_call_had_its_core_where_the_wall_time_is_its_cpu_time():
    """By the reference's calls as by the contestant's; two threads use more CPU than wall time; unknown is not lost."""
    pairs = [
        [(1.0, 0.99), (1.0, 1.01)],
        [(1.0, 0.9), (1.0, 1.0)],
        [(1.0, 1.0), (1.0, 0.9)],
        [(1.0, 1.9), (2.0, np.nan)],
    ]
    assert had_core(np.array(pairs)).tolist() == [True, False, False, True]


def test_a_slow_contestant_gets_its_fewest_rounds():
    settings = TimingSettings(rounds=30, min_rounds=4, seconds=0.0)
    times = measure({"a": lambda _: lambda: None}, lambda _: lambda: None, settings)
    assert len(times["a"]) == 4


def test_libraries_that_the_first_calls_load_are_limited_too():
    """A contestant imports torch when it is first called, and torch then takes all cores."""
    import torch

    threads, calls = [], iter(range(1000))

    def call():
        if next(calls) == 0:
            torch.set_num_threads(2)
        threads.append(torch.get_num_threads())

    time_prepared({"a": lambda _: call}, lambda _: lambda: None, TimingSettings(rounds=3, min_rounds=3, threads=1))
    assert threads[0] == 2
    assert set(threads[1:]) == {1}


def test_the_ratio_is_the_contestants_time_over_the_references(monkeypatch, tmp_path):
    """With a clock that says what a call returns: wall time 6 against 2, CPU time 5.9 against 2."""
    clock_of(monkeypatch, tmp_path)
    settings = TimingSettings(rounds=7)
    (result,) = time_prepared({"a": lambda _: lambda: (6.0, 5.9)}, lambda _: lambda: (2.0, 2.0), settings).values()
    assert result.ratio.value == pytest.approx(3.0)
    assert (result.wall == 6.0).all()
    assert (result.cpu == 5.9).all()
    assert result.first == 6.0


def test_each_call_has_the_history_and_the_placement_before_its_window(monkeypatch, tmp_path):
    monkeypatch.setattr(alone, "LOCK", str(tmp_path / "lock"))
    windows = Synthetic(num_layers=2, num_experts=16, top_k=2, tokens=1000, windows=6).make(0).windows(1)
    topology = Topology(24, 4, 2, 4)
    seen = []

    class Spy:
        name, summary, windows = "spy", "", 2

        def place(self, load, topology, previous=None):
            seen.append((load.copy(), previous))
            return load_variant("deepseek").place(load[-1], topology)

    time_variants({"spy": Spy()}, load_variant("deepseek"), windows, topology, TimingSettings(rounds=4, min_rounds=4))
    by_window = {next(i for i, w in enumerate(windows) if (w == load[-1]).all()): (load, p) for load, p in seen}
    load, previous = by_window[5]
    np.testing.assert_array_equal(load, windows[4:6])
    expected = load_variant("deepseek").place(windows[4], topology)
    np.testing.assert_array_equal(previous.phy2log, expected.phy2log)
    assert by_window[0][1] is None


def test_times_of_a_variant(tmp_path, monkeypatch):
    monkeypatch.setattr(alone, "LOCK", str(tmp_path / "lock"))
    windows = Synthetic(num_layers=2, num_experts=16, top_k=2, tokens=1000, windows=6).make(0).windows(1)
    settings = TimingSettings(rounds=5, min_rounds=3)
    result = time_variants(
        {"one": load_variant("seed")}, load_variant("deepseek"), windows, Topology(24, 4, 2, 4), settings
    )["one"]
    assert result.wall.shape == result.cpu.shape == (result.ratio.num,)
    assert result.ratio.num >= 3
    assert (result.wall > 0).all()
    assert result.first > 0
    assert result.valid
    assert result.ratio.low <= result.ratio.value <= result.ratio.high
    assert np.isfinite(result.ratio[:4]).all()


def test_what_a_call_waited_for_its_core_is_no_part_of_its_time_and_sleep_is(monkeypatch):
    """A call of 10 s of which 4 were waited and 5 computed takes 6; two threads that wait for each other take both."""
    clocks = {"wall": 0.0, "cpu": 0.0, "waited": 0.0}
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clocks["wall"])

    def call(**seconds):
        return lambda: clocks.update({name: clocks[name] + value for name, value in seconds.items()})

    def clocked(one):
        return timing._clocked(one, lambda: clocks["cpu"], lambda: clocks["waited"])

    assert clocked(call(wall=10.0, cpu=5.0, waited=4.0)) == (6.0, 5.0)
    assert clocked(call(wall=10.0, cpu=10.0, waited=5.0)) == (10.0, 10.0)
    assert clocked(call(wall=10.0, cpu=5.0, waited=-3.0)) == (10.0, 5.0)
    assert timing._clocked(call(wall=10.0, cpu=5.0, waited=4.0), lambda: clocks["cpu"]) == (10.0, 5.0)


def test_where_waiting_is_known_all_rounds_count_and_none_is_drawn_again(monkeypatch, tmp_path):
    """One call in two sleeps for nine times as long as it computes: without that clock it would be left out."""
    clock_of(monkeypatch, tmp_path)
    turn = itertools.cycle([(1.0, 1.0), (10.0, 1.0)])
    drawn = []

    def sleeper(number):
        drawn.append(number)
        return lambda: next(turn)

    settings = TimingSettings(rounds=10, min_rounds=10)
    given = {"of_round": whole, "repeats": 2, "cpu_clock": lambda: 0.0, "waiting_clock": lambda: 0.0}
    found = time_prepared({"a": sleeper}, lambda _: lambda: (1.0, 1.0), settings, **given)["a"]
    assert found.ratio.value == pytest.approx(5.5)
    assert (found.has_core, found.disturbed) == (True, 0)
    assert len(drawn) == 2 * 10 + 1
