from __future__ import annotations

import numpy as np
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


def test_speeds_are_over_their_mean_and_equal_ones_are_none():
    assert Topology(8, 1, 1, 4, (2.0, 2.0, 2.0, 2.0)) == Topology(8, 1, 1, 4)
    uneven = Topology(8, 4, 2, 4, [1, 1, 3, 3])
    assert uneven.speeds == (1.0, 1.0, 3.0, 3.0)
    np.testing.assert_allclose(uneven.relative_speeds, [0.5, 0.5, 1.5, 1.5])
    assert uneven.flat() == Topology(8, 1, 1, 4, (1, 1, 3, 3))
    assert uneven.without([1]) == Topology(6, 1, 1, 3, (1, 3, 3))
    assert uneven.without([1, 2]) == Topology(4, 4, 2, 2, (1, 3))
    assert uneven.without([0, 1]) == Topology(4, 1, 1, 2)


@pytest.mark.parametrize("speeds", ["fast", (1,), (1, 1, 1, 0), (1, 1, 1, float("nan")), (1, 1, 1, None)])
def test_speeds_must_be_numbers_above_0_one_a_gpu(speeds):
    with pytest.raises(EplbError, match=r"topology\.speeds"):
        Topology(8, 1, 1, 4, speeds)


@pytest.mark.parametrize("failed", [[4], [-1], [True], ["0"], [0, 1, 2, 3]])
def test_failed_gpus_must_be_there_and_one_be_left(failed):
    with pytest.raises(EplbError, match=r"topology\.failed"):
        Topology(8, 1, 1, 4).without(failed)
