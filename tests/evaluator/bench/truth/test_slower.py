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


def quickest(call):
    """Return the least CPU time of several calls, one right after the other."""
    seconds = []
    for _ in range(20):
        began = time.thread_time()
        call()
        seconds.append(time.thread_time() - began)
    return min(seconds)


def test_a_slower_variant_takes_so_much_more_cpu_time_and_places_alike():
    variant = load_variant({**load_variant("deepseek").config, "implementation": "reference"})
    once, thrice = slower(variant, 1.0), slower(variant, 3.0)
    expected = variant.place(LOAD_LE[None], TOPOLOGY)
    for made in (once, thrice):
        np.testing.assert_array_equal(made.place(LOAD_LE[None], TOPOLOGY).phy2log, expected.phy2log)
        assert made.name == variant.name
    ratio = quickest(lambda: thrice.place(LOAD_LE[None], TOPOLOGY)) / quickest(
        lambda: once.place(LOAD_LE[None], TOPOLOGY)
    )
    assert ratio == pytest.approx(3.0, rel=0.25), "of CPU time, so that a busy machine changes little"


def test_a_slower_program_answers_alike():
    torch = pytest.importorskip("torch")
    spaces = {}
    for factor in (1.0, 3.0):
        program = slower_program(example_program(), factor)
        assert program.name.endswith(f"x {factor:g}")
        exec(program.source, spaces.setdefault(factor, {"__name__": "program"}))
    arguments = (torch.from_numpy(LOAD_LE).float(), 24, 4, 2, 4)
    once, thrice = (spaces[factor]["rebalance_experts"] for factor in (1.0, 3.0))
    for one, other in zip(once(*arguments), thrice(*arguments), strict=True):
        assert torch.equal(one, other)
    ratio = quickest(lambda: thrice(*arguments)) / quickest(lambda: once(*arguments))
    assert ratio == pytest.approx(3.0, rel=0.25)
