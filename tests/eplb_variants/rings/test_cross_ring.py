"""Groups stay on their nodes with a copy of each expert; the redundant copies link the GPUs across nodes."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import EplbError, Topology, load_variant
from evaluator.quality.metrics import balance, home_nodes, traffic

TOPOLOGY = Topology(72, 4, 2, 8)
LOAD = np.random.default_rng(5).lognormal(sigma=0.8, size=(4, 64)) * 100 * np.repeat([4.0, 1.5, 1.0, 0.5], 16)


def place(topology=TOPOLOGY, load=LOAD):
    return load_variant("lab_cross").place(load[None], topology)


def test_every_expert_has_a_copy_on_its_groups_node_and_groups_share_nodes_evenly():
    placement = place()
    home_LE = home_nodes(placement)
    node_P = np.arange(72) // 36
    for slots_P, home_E in zip(placement.phy2log, home_LE, strict=True):
        assert sorted(np.bincount(home_E[::16])) == [2, 2]
        for expert in range(64):
            assert home_E[expert] in node_P[slots_P == expert]


def test_every_gpu_is_linked_to_two_others_in_one_ring():
    for slots_GS in place().phy2log.reshape(4, 8, 9):
        held = [set(gpu.tolist()) for gpu in slots_GS]
        assert all(len(gpu) == 9 for gpu in held), "no expert twice on a GPU"
        met, waiting = {0}, [0]
        while waiting:
            gpu = waiting.pop()
            linked = {other for other in range(8) if other != gpu and held[gpu] & held[other]}
            assert len(linked) == 2
            waiting += linked - met
            met |= linked
        assert len(met) == 8


def test_dispatched_by_load_it_passes_what_groups_on_nodes_allow_for_few_tokens():
    deepseek = balance(LOAD, load_variant("deepseek").place(LOAD[None], TOPOLOGY)).gpu
    placement = place()
    found = traffic(LOAD, placement, home_nodes(placement))
    assert found.balancedness_gpu_near > deepseek + 0.1
    assert found.remote_tokens_near < 0.2
    assert found.remote_tokens_near <= found.remote_tokens_dispatch


@pytest.mark.parametrize("topology", [Topology(64, 4, 2, 8), Topology(66, 4, 2, 6), Topology(72, 1, 1, 1)])
def test_where_no_ring_can_be_closed_it_is_packed(topology):
    placement = place(topology)
    assert (placement.logcnt >= 1).all()
    with pytest.raises(EplbError, match="too few"):
        place(Topology(32, 1, 1, 8))
