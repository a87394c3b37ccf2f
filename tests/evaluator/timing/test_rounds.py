"""How time is taken; nothing here depends on how long anything takes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from eplb_variants import Topology, load_variant
from evaluator.timing import alone
from evaluator.timing import rounds as timing
from evaluator.timing.rounds import measure, time_prepared, time_variants
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


def test_quick_calls_are_repeated_in_turn_and_averaged(monkeypatch, tmp_path):
    monkeypatch.setattr(alone, "LOCK", str(tmp_path / "lock"))
    walls = iter([0.5, *[0.001] * 6, *[0.001, 0.003] * 15])
    monkeypatch.setattr(timing, "_clocked", lambda call: (next(walls), 0.0) if call() is None else None)
    settings = TimingSettings(rounds=3, min_rounds=3, sample_seconds=0.01)
    (result,) = time_prepared({"a": lambda _: lambda: None}, lambda _: lambda: None, settings, repeat=True).values()
    assert result.first == 0.5
    assert len(result.wall) == 3, "five pairs of calls a round are one sample"
    assert next(walls, None) is None
    assert ((result.wall >= 0.001) & (result.wall <= 0.003)).all()


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
    assert threads == [2, 1, 1, 1]


def test_the_ratio_is_the_contestants_time_over_the_references(monkeypatch, tmp_path):
    """With a clock that says what a call returns: wall time 6 against 2, CPU time 5 against 1."""
    monkeypatch.setattr(alone, "LOCK", str(tmp_path / "lock"))
    monkeypatch.setattr(timing, "_clocked", lambda call: call())
    settings = TimingSettings(rounds=7)
    (result,) = time_prepared({"a": lambda _: lambda: (6.0, 5.0)}, lambda _: lambda: (2.0, 1.0), settings).values()
    assert result.ratio.value == pytest.approx(3.0)
    assert (result.wall == 6.0).all()
    assert (result.cpu == 5.0).all()
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
    assert result.wall.shape == result.cpu.shape == (5,)
    assert (result.wall > 0).all()
    assert result.first > 0
    assert result.valid
    assert result.ratio.low <= result.ratio.value <= result.ratio.high
    assert result.ratio.num == 5
    assert np.isfinite(result.ratio[:4]).all()
