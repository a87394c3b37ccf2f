from __future__ import annotations

import pytest

from eplb_variants import EplbError, Topology


def test_counts_follow_from_the_four_numbers():
    topology = Topology(num_slots=288, num_groups=8, num_nodes=4, num_gpus=32)
    assert (topology.slots_per_gpu, topology.gpus_per_node, topology.slots_per_node) == (9, 8, 72)
    assert topology.hierarchical
    assert topology.flat() == Topology(288, 1, 1, 32)
    assert not topology.flat().num_groups > 1


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ((287, 8, 4, 32), "287 slots do not divide over 32 GPUs"),
        ((288, 8, 5, 32), "32 GPUs do not divide over 5 nodes"),
        ((0, 1, 1, 1), "num_slots is 0"),
        ((8, 1, 1, -2), "num_gpus is -2"),
        ((8.0, 1, 1, 1), "num_slots is 8.0"),
        ((True, 1, 1, 1), "num_slots is True"),
    ],
)
def test_what_does_not_divide_is_said(numbers, says):
    with pytest.raises(EplbError, match=says):
        Topology(*numbers)


def test_experts_must_fit_slots_and_groups():
    topology = Topology(64, 8, 4, 16)
    with pytest.raises(EplbError, match="64 slots are too few for 65"):
        topology.check_experts(65)
    with pytest.raises(EplbError, match="60 logical experts do not divide into 8 groups"):
        topology.check_groups(60)
    with pytest.raises(EplbError, match="3 groups do not divide over 2 nodes"):
        Topology(64, 3, 2, 16).check_groups(60)
    topology.check_groups(64)
