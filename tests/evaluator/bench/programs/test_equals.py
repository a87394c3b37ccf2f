"""Equals place otherwise than the example program, and a pair is of a worse and an equal one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eplb_variants import EplbError, Topology, check_placement
from evaluator.bench.programs.equals import better_program, blurred_program, equal_programs
from evaluator.candidates.program import example_program

TOPOLOGY = Topology(144, 8, 2, 8)
LOAD = torch.from_numpy(np.random.default_rng(0).gamma(1.0, 1000, (8, 128)).astype(np.float32))


def placed(program):
    namespace = {}
    exec(program.source, namespace)
    return [namespace["rebalance_experts"](LOAD, 144, 8, 2, 8)[0].numpy() for _ in range(2)]


def test_equals_are_placements_and_all_differ():
    programs = [example_program(), *equal_programs(4, seed=1)]
    seen = set()
    for program in programs:
        once, again = placed(program)
        np.testing.assert_array_equal(once, again)
        check_placement(once, 128, TOPOLOGY)
        seen.add(once.tobytes())
    assert len(seen) == len({program.key for program in programs}) == 5


def test_equals_are_the_same_for_the_same_seed():
    first, again, others = (equal_programs(3, seed) for seed in (1, 1, 2))
    assert first == again
    assert not {program.key for program in first} & {program.key for program in others}


def test_without_noise_it_is_the_example_program():
    np.testing.assert_array_equal(placed(blurred_program(0.0, 1))[0], placed(example_program())[0])


def test_a_pair_is_of_known_gains_alone():
    parent, candidate = better_program(0.003, seed=1)
    assert "0.0385 * noise" in parent.source
    assert "0.001 * noise" in candidate.source
    with pytest.raises(EplbError, match="no pair is known to differ by 0.5: choose 0.001, 0.002, 0.003"):
        better_program(0.5, seed=1)
