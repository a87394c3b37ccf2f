from __future__ import annotations

import numpy as np
import pytest
import torch

from eplb_variants import EplbError, Topology, check_placement, load_variant, rebalance_experts
from eplb_variants.hard_loads import hard_loads


@pytest.mark.parametrize("variant", ["deepseek", "seed", "contiguous"])
def test_answers_as_deepseeks_eplb_does(variant):
    load = torch.tensor(hard_loads()["mild"])
    phy2log, log2phy, logcnt = rebalance_experts(load, 36, 4, 2, 6, variant=variant)
    assert {a.dtype for a in (phy2log, log2phy, logcnt)} == {torch.int64}
    assert log2phy.shape == (5, 24, int(logcnt.max()))
    topology = Topology(36, 4, 2, 6)
    check_placement(phy2log, 24, topology, logcnt=logcnt, log2phy=log2phy)
    np.testing.assert_array_equal(phy2log, load_variant(variant).place(load, topology).phy2log)


def test_the_default_is_deepseek():
    load = torch.tensor(hard_loads()["heavy skew"])
    for ours, default in zip(
        rebalance_experts(load, 36, 4, 2, 6, variant="deepseek"), rebalance_experts(load, 36, 4, 2, 6), strict=True
    ):
        assert torch.equal(ours, default)


def test_groups_that_do_not_divide_over_nodes_are_not_looked_at_as_in_deepseeks():
    load = torch.tensor(hard_loads()["mild"])
    for ours, flat in zip(rebalance_experts(load, 36, 7, 2, 6), rebalance_experts(load, 36, 1, 1, 6), strict=True):
        assert torch.equal(ours, flat)


def test_mistakes_are_one_sentence():
    with pytest.raises(EplbError, match="35 slots do not divide over 6 GPUs"):
        rebalance_experts(torch.ones(2, 24), 35, 4, 2, 6)
