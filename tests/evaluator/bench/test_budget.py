"""What layers with unequal numbers of slots would gain: the division is exact, and its gain is measured."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from evaluator.bench import budget
from evaluator.bench.budget import divided, measure_budget
from evaluator.progress import Silent


@pytest.mark.parametrize("seed", range(20))
def test_no_other_division_has_a_lower_sum_of_peaks(seed):
    draw = np.random.default_rng(seed)
    num_layers, num_sizes, most = (int(draw.integers(low, high)) for low, high in ((1, 5), (1, 5), (0, 12)))
    peak_LK = draw.random((num_layers, num_sizes))  # which need not fall from size to size
    chosen_L = divided(peak_LK, most)
    assert chosen_L.sum() <= most
    every = (sizes for sizes in itertools.product(range(num_sizes), repeat=num_layers) if sum(sizes) <= most)
    least = min(sum(peak_LK[layer, size] for layer, size in enumerate(sizes)) for sizes in every)
    assert peak_LK[np.arange(num_layers), chosen_L].sum() == pytest.approx(least, abs=1e-12)


def test_slots_go_to_the_layer_that_they_help():
    """Four units for two layers: the first is even at once, the second gains by each of them."""
    assert divided(np.array([[1.0, 1.0, 1.0, 1.0, 1.0], [9.0, 7.0, 5.0, 4.0, 3.5]]), 4).tolist() == [0, 4]


def test_where_one_layer_alone_is_hot_slots_of_the_others_help_it(monkeypatch):
    """Three layers without a difference between experts, and one in which eleven are far hotter than the others."""
    hot_LE = np.full((4, 64), 1000)
    hot_LE[0, :11] = 40000
    monkeypatch.setattr(budget, "made_by", lambda scenario, seeds: [np.stack([hot_LE] * 3)] * seeds)
    lines = measure_budget(Silent(), ["one hot layer"], 2, ["deepseek"])
    assert [line.what for line in lines] == ["deepseek, own", "deepseek, next"]
    own, after = (line.ratio.value for line in lines)
    assert own > 0.01
    assert after == pytest.approx(own), "the next window is the same"
