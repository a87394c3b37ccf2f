"""Verdicts on equals are counted, and those beyond the reach of ties apart."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import Topology
from evaluator.bench.truth import ties
from evaluator.progress import Silent
from evaluator.workloads.synthetic import Synthetic

TOPOLOGY = Topology(40, 4, 2, 4)
SOURCE = Synthetic(num_layers=2, num_experts=32, top_k=2, num_groups=4, tokens=600, requests=20, windows=8)


def test_pairs_of_copies_are_equals_and_seldom_get_a_verdict():
    said = sum((ties.said_on(SOURCE.make(seed).windows(1), TOPOLOGY, seed) for seed in range(6)), start=())
    pairs, wrong, beyond, *_ = np.reshape(said, (6, 6)).sum(axis=0)
    assert pairs == 60
    assert beyond <= wrong <= 12


def test_verdicts_that_only_a_wide_reach_withholds_are_told_apart(monkeypatch):
    copies = np.random.default_rng(0).normal(0.7, 0.1, (30, 1)) + np.random.default_rng(1).normal(0, 1e-4, (30, 7))
    monkeypatch.setattr(ties, "renamed_balances", lambda *_: copies)
    said = ties.said_on(SOURCE.make(0).windows(1), TOPOLOGY, 0)
    assert said.wrong == said.equals == 10, "each copy keeps an offset of its own, which no window shows"
    assert said.wrong_beyond <= 2


def test_lines_add_up(monkeypatch):
    monkeypatch.setattr(ties, "said_on", lambda windows, topology, seed: ties.Said(10, windows, 0, 1, 1, seed))
    lines = ties.measure_ties(Silent(), {"a": (TOPOLOGY, [1, 0]), "b": (TOPOLOGY, [3])})
    assert [line.value for line in lines] == pytest.approx([5, 30, 400 / 30])
    assert [line.met for line in lines] == [None, None, False]
    assert lines[-1].size == "all: 4 of 30, 0 beyond ties; seed_parent better on 3 of 3 traces, 1 beyond ties"


def test_loads_are_scenarios_and_pieces_of_recordings(tmp_path, monkeypatch):
    monkeypatch.setattr(ties, "SCENARIOS", ("quick",))
    monkeypatch.setattr(ties, "TRACES", 2)
    np.savez(tmp_path / "mine.npz", counts=np.ones((60, 2, 32), dtype=np.int64))
    loads = ties.loads_with_ties([str(tmp_path / "mine.npz")])
    assert list(loads) == ["quick", "quick, global", "mine, 2 steps", "mine, 2 steps, global"], "4 steps are too many"
    topology, pieces = loads["mine, 2 steps, global"]
    assert not topology.num_nodes > 1
    assert [len(piece) for piece in pieces] == [24]
