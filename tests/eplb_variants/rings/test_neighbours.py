"""Copies on neighbours: every expert once, and each GPU's hottest again where the graph says."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import Topology, load_variant
from eplb_variants.kernels.flow import flow_peaks
from eplb_variants.rings.hot_ring import strides

LOAD = np.random.default_rng(5).lognormal(sigma=0.8, size=(4, 64)) * 100


def place(topology, load=LOAD):
    return load_variant("lplb").place(load[None], topology)


@pytest.mark.parametrize("redundant", [1, 2])
def test_the_redundant_slots_of_a_gpu_hold_the_hottest_of_its_neighbours(redundant):
    slots = place(Topology(64 + 8 * redundant, 1, 1, 8)).phy2log.reshape(4, 8, -1)
    for load_E, slots_GS in zip(LOAD, slots, strict=True):
        own_GS = slots_GS[:, :8]
        assert sorted(own_GS.ravel()) == list(range(64))
        for which, stride in enumerate(strides(8)[:redundant]):
            for gpu in range(8):
                hottest = sorted(own_GS[gpu - stride], key=lambda expert: -load_E[expert])
                assert slots_GS[gpu, 8 + which] == hottest[which]


@pytest.mark.parametrize("topology", [Topology(64, 1, 1, 8), Topology(66, 1, 1, 6), Topology(72, 1, 1, 1)])
def test_where_there_is_no_such_graph_it_is_deepseeks_packing(topology):
    expected = load_variant("tensorrt_llm").place(LOAD, topology)
    np.testing.assert_array_equal(place(topology).phy2log, expected.phy2log)


def test_dispatched_by_load_it_is_better_than_deepseek_on_a_load_that_it_was_not_made_for():
    topology = Topology(72, 1, 1, 8)
    later = LOAD * np.random.default_rng(1).lognormal(sigma=0.3, size=LOAD.shape)
    linked, deepseek = (load_variant(name).place(LOAD[None], topology) for name in ("lplb", "deepseek"))
    assert flow_peaks(later, linked).sum() < flow_peaks(later, deepseek).sum()


def test_fastdeploys_rule_puts_no_expert_twice_on_a_gpu():
    """DeepSeek's does, where one expert has most of the load."""
    load = np.ones((3, 16))
    load[:, 0] = 40
    doubles = {}
    for name in ("fastdeploy", "deepseek"):
        slots = load_variant(name).place(load[None], Topology(24, 1, 1, 4)).phy2log.reshape(3, 4, 6)
        doubles[name] = sum(len(set(gpu.tolist())) < 6 - 1 for layer in slots for gpu in layer)
    assert doubles["fastdeploy"] <= doubles["deepseek"]
