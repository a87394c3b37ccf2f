"""How time is taken; nothing here depends on how long anything takes."""

from __future__ import annotations

import gc
from collections import Counter

import numpy as np
import pytest

from eplb_variants import EplbError, Topology, load_variant
from evaluator import timing
from evaluator.timing import TimingSettings, exclusive, measure, quiet, time_variants
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


def test_a_slow_contestant_gets_its_fewest_rounds():
    settings = TimingSettings(rounds=30, min_rounds=4, seconds=0.0)
    times = measure({"a": lambda _: lambda: None}, lambda _: lambda: None, settings)
    assert len(times["a"]) == 4


def test_collection_is_off_while_timing_and_on_after():
    assert gc.isenabled()
    with quiet(1):
        assert not gc.isenabled()
    assert gc.isenabled()


def test_two_timing_passes_exclude_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "LOCK", str(tmp_path / "lock"))
    with exclusive(0) as first, exclusive(0) as second:
        assert first
        assert not second
    with exclusive(0) as again:
        assert again


def test_times_of_a_variant(tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "LOCK", str(tmp_path / "lock"))
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
    assert np.isfinite(result.ratio).all()


@pytest.mark.parametrize(
    "bad", [{"rounds": 2}, {"min_rounds": 1}, {"threads": 0}, {"seconds": -1.0}, {"wait_seconds": -1.0}]
)
def test_settings_out_of_range_are_refused(bad):
    with pytest.raises(EplbError, match=f"timing.{next(iter(bad))}"):
        TimingSettings(**bad)
