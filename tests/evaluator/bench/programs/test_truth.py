"""True differences are those of a program's placements on the next windows of fresh traces."""

from __future__ import annotations

import numpy as np
import torch

from eplb_variants import Topology, check_placement
from evaluator.bench.programs import truth
from evaluator.bench.programs.equals import EQUAL_NOISE, NOISE_BY_GAIN
from evaluator.candidates.program import example_program
from evaluator.progress import Silent
from evaluator.quality.metrics import balance
from evaluator.workloads.synthetic import Synthetic

TOPOLOGY = Topology(40, 4, 2, 4)
SOURCE = Synthetic(num_layers=3, num_experts=32, top_k=2, num_groups=4, tokens=4000, requests=20, windows=4)


def make(seed):
    return SOURCE.make(seed).windows(1)


def test_balances_are_those_of_one_window_after_the_other():
    traces = np.array([[make(seed)[window] for window in range(4)] for seed in (0, 1)], dtype=np.float32)
    namespace = {}
    exec(example_program().source, namespace)
    expected = np.zeros((2, 3))
    for trace, window in np.ndindex(2, 3):
        placed = namespace["rebalance_experts"](torch.from_numpy(traces[trace, window]), 40, 4, 2, 4)[0]
        expected[trace, window] = balance(traces[trace, window + 1], check_placement(placed, 32, TOPOLOGY)).gpu
    found = truth.means_of(example_program(), traces, TOPOLOGY)
    np.testing.assert_allclose(found, expected.mean(axis=1))


def test_noise_costs_balance_and_none_costs_nothing():
    found = truth.true_differences(make, TOPOLOGY, [0.0, 1.0], 25, Silent())
    assert found[0.0].shape == (25,)
    assert not found[0.0].any()
    assert found[1.0].mean() < -0.01


def test_lines_say_whether_what_is_known_was_measured(monkeypatch):
    differences = {EQUAL_NOISE: 0.0001, **{noise: -gain for gain, noise in NOISE_BY_GAIN.items()}}
    differences[NOISE_BY_GAIN[0.003]] = -0.004
    monkeypatch.setattr(
        truth, "true_differences", lambda *_: {noise: np.full(8, value) for noise, value in differences.items()}
    )
    lines = truth.measure_programs(Silent(), make, TOPOLOGY, traces=8)
    assert [line.met for line in lines] == [True, True, True, False]
    assert lines[3].ratio.value == 0.0041
