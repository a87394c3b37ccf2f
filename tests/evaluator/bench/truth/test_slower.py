"""A known slowdown is one of CPU time, and changes nothing else."""

from __future__ import annotations

import time

import numpy as np
import pytest

from eplb_variants import Topology, load_variant
from evaluator.bench.truth.slower import slower, slower_program
from evaluator.candidates.program import example_program

TOPOLOGY = Topology(24, 4, 2, 4)
LOAD_LE = np.random.default_rng(0).integers(1, 1000, (20, 16)).astype(float)


@pytest.fixture
def ticks(monkeypatch):
    """Return a list that grows with every look at the clock of CPU time, which moves on by a second each time."""
    looks = []

    def look():
        looks.append(None)
        return float(len(looks))

    monkeypatch.setattr(time, "thread_time", look)
    return looks


def test_a_slower_variant_takes_so_much_more_cpu_time_and_places_alike(ticks):
    variant = load_variant({**load_variant("deepseek").config, "implementation": "reference"})
    expected = variant.place(LOAD_LE[None], TOPOLOGY)
    for factor in (1.0, 30.0):
        made = slower(variant, factor)
        assert made.name == variant.name
        ticks.clear()
        np.testing.assert_array_equal(made.place(LOAD_LE[None], TOPOLOGY).phy2log, expected.phy2log)
        assert len(ticks) == max(3, 1 + factor), "the call took a second, from the first to the second look"


def test_a_slower_program_answers_alike(ticks):
    torch = pytest.importorskip("torch")
    arguments, answers = (torch.from_numpy(LOAD_LE).float(), 24, 4, 2, 4), []
    for factor in (1.0, 30.0):
        program, space = slower_program(example_program(), factor), {"__name__": "program"}
        assert program.name.endswith(f"x {factor:g}")
        ticks.clear()
        exec(program.source, space)
        answers.append(space["rebalance_experts"](*arguments))
        assert len(ticks) == max(3, 1 + factor) + 1, "and the clock is looked at for the next call"
    for one, other in zip(*answers, strict=True):
        assert torch.equal(one, other)
