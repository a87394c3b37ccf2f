"""What a forecaster gains is measured on every kind of traffic, and drawn."""

from __future__ import annotations

import numpy as np

from evaluator.bench.forecasters import OTHERS, SCENARIOS, made_by, measure_forecasters
from evaluator.bench.plot import forecasters_plot
from evaluator.config.catalogue import choices
from evaluator.progress import Silent
from evaluator.workloads.synthetic import Synthetic


def test_scenarios_are_there():
    assert set(SCENARIOS) <= set(choices("workload"))
    assert len(made_by("quick", 2)) == 2


def test_averaging_helps_where_noise_ends_and_hurts_where_loads_wander(tmp_path):
    """Prompts that end with their window, and a recording of a random walk."""
    walk = Synthetic(num_layers=8, num_experts=64, top_k=4, rho=0.8, phi=0.0, windows=32)
    np.savez(tmp_path / "walk.npz", counts=walk.make(0).counts)
    lines, gains = measure_forecasters(Silent(), [str(tmp_path / "walk.npz")], ["long_prompts"], 2)
    assert [line.what for line in lines[: len(OTHERS) + 1]] == [*OTHERS, "adaptive"]
    learned = [line for line in lines if "the best fixed rule" in line.against]
    assert len(learned) == 4
    assert all(line.ratio.value > -0.01 for line in learned)
    assert {gain.traffic for gain in gains} == {
        "long_prompts", "walk, whole, 2 steps", "walk, whole, 4 steps", "walk, whole, 16 steps"
    }  # fmt: skip
    value = {(gain.traffic, gain.forecaster): gain.difference.value for gain in gains}
    assert value["long_prompts", "mean of 4"] > 0.005
    assert value["walk, whole, 2 steps", "mean of 4"] < -0.005
    (axis,) = forecasters_plot(gains).axes
    assert [label.get_text() for label in axis.get_yticklabels()] == list(dict.fromkeys(gain.traffic for gain in gains))
