"""A search of equals: what the study asks of programs is what the judge would see of them, and it can fail."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import Topology
from evaluator.bench.programs.equals import blurred_program, equal_programs
from evaluator.bench.truth import search
from evaluator.bench.truth.search import GAIN, Bench, measure_search, next_balances
from evaluator.candidates.judging.trial import by_trace, replayed
from evaluator.candidates.program import example_program
from evaluator.candidates.sandbox.limits import Limits
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.progress import Silent
from evaluator.sweep.cell import Workload
from evaluator.sweep.stratum import Stratum
from evaluator.workloads.synthetic import Synthetic

TOPOLOGY = Topology(72, 4, 2, 8)
SOURCE = {"kind": "synthetic", "sigma": 0.7, "num_layers": 4, "num_experts": 64, "num_groups": 4, "windows": 4}


def make(seed):
    return Synthetic(**{key: value for key, value in SOURCE.items() if key != "kind"}).make(seed).windows(1)


def test_a_program_gets_values_like_those_that_it_gets_in_the_sandbox():
    (program,) = equal_programs(1, seed=3)
    stratum = Stratum(Workload("small", {**SOURCE, "interval": 1, "max_windows": 0}), "small", TOPOLOGY, (5, 6))
    with Sandbox("auto", Limits()) as sandbox:
        judged = by_trace(replayed(sandbox, program, [stratum]), "balancedness_gpu_next")[0]
    for ours, theirs in zip(next_balances(program, stratum.traces, TOPOLOGY), judged, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.02)  # in the sandbox experts have other names


def test_what_is_much_better_is_confirmed_and_what_is_hopeless_is_given_up():
    training, held_out = ([make(seed) for seed in seeds] for seeds in (range(8), range(100, 110)))
    poor = blurred_program(0.5, 1)
    assert Bench(training, held_out, TOPOLOGY, poor).judge(example_program()).confirmed
    seen = Bench(training, held_out, TOPOLOGY, example_program()).judge(blurred_program(2.0, 1))
    assert seen.given_up
    assert not seen.better


def test_lines_hold_what_was_found_against_what_is_asked_for(monkeypatch):
    monkeypatch.setattr(search, "PAIRS", 1)
    lines = measure_search(Silent(), 2, make, TOPOLOGY, (4, 4), equals=3)
    called, confirmed, found = lines
    assert 0 <= called.value <= 3
    assert confirmed.value in (0.0, 50.0, 100.0)
    assert found.target == "90% or more"
    assert found.met == (found.value >= 90)
    assert str(GAIN) in found.what


def test_equals_that_are_not_are_found_out(monkeypatch):
    """The study can fail: were the equals better, they would be called so."""
    monkeypatch.setattr(search, "PAIRS", 1)
    monkeypatch.setattr(search, "example_program", lambda: blurred_program(0.5, 1))
    called, confirmed, _ = measure_search(Silent(), 1, make, TOPOLOGY, (6, 8), equals=2)
    assert called.value == 2
    assert confirmed.value == 100
    assert not confirmed.met


@pytest.mark.parametrize("part", ["training", "held-out"])
def test_a_searchs_traces_are_drawn_as_the_judges(monkeypatch, part):
    seeds = {}
    monkeypatch.setattr(search, "PAIRS", 0)
    monkeypatch.setattr(search, "_line_on_pairs", lambda judged: None)
    measure_search(Silent(), 1, lambda seed: seeds.setdefault(seed, make(0)), TOPOLOGY, (2, 3), equals=1)
    drawn = search.drawn_seeds(0, 2, 3)
    assert list(seeds) == [*drawn[0], *drawn[1]]
    assert len(drawn[part == "held-out"]) == (3 if part == "held-out" else 2)
