"""The hot ring links every GPU to the next, and dispatched by load it levels what even shares cannot."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import EplbError, Topology, load_variant
from eplb_variants.kernels.flow import flow_peaks
from eplb_variants.rings.hot_ring import HotRing, beside_less_hot, shared

LOAD = np.random.default_rng(5).lognormal(sigma=0.8, size=(6, 64)) * 100


def place(load, topology, theta=0.5):
    return load_variant({"placer": {"name": "hot_ring", "theta": theta}}).place(load, topology)


def test_one_lap_is_a_closed_ring():
    """With as many redundant slots as GPUs, every GPU shares an expert with the next one and with the one before."""
    slots = place(LOAD, Topology(72, 1, 1, 8)).phy2log.reshape(6, 8, 9)
    for layer in slots:
        for gpu in range(8):
            assert set(layer[gpu]) & set(layer[(gpu + 1) % 8])


def test_no_gpu_holds_an_expert_twice():
    for topology in (Topology(72, 1, 1, 8), Topology(96, 1, 1, 8), Topology(128, 1, 1, 16)):
        for gpus in place(LOAD, topology).phy2log.reshape(6, topology.num_gpus, -1):
            assert all(len(set(gpu)) == len(gpu) for gpu in gpus.tolist())


def test_it_takes_a_load_that_it_was_not_made_for():
    """On a noisy next window, dispatched by load, it is better than DeepSeek's placement by far."""
    topology = Topology(72, 1, 1, 8)
    later = LOAD * np.random.default_rng(1).lognormal(sigma=0.3, size=LOAD.shape)
    placed = (place(LOAD, topology), load_variant("deepseek").place(LOAD, topology))
    ring, deepseek = (flow_peaks(later, placement).sum() for placement in placed)
    assert ring < 0.985 * deepseek


def test_hot_experts_get_copies_by_their_load():
    load = np.ones(16)
    load[3] = 25.0
    copies = shared(load, Topology(24, 1, 1, 8), 0.5)
    assert next(iter(copies)) == 3
    assert copies[3] == 8  # 25 of 40 tokens, in parts of 2.5 at most: ten copies, but eight GPUs
    assert sum(copies.values()) - len(copies) == 8


def test_hot_ones_lie_beside_less_hot_ones():
    assert beside_less_hot([1, 2, 3, 4, 5]) == [1, 5, 2, 4, 3]
    assert beside_less_hot([]) == []


def test_without_a_ring_to_close_it_is_packed_and_swapped():
    topology = Topology(72, 1, 1, 24)
    packed = load_variant({**load_variant("lab_best").config, "forecaster": "last", "policy": "global"})
    np.testing.assert_array_equal(place(LOAD, topology).phy2log, packed.place(LOAD, topology).phy2log)


def test_theta_must_be_above_0():
    with pytest.raises(EplbError, match="theta is 0"):
        HotRing(0.0)
