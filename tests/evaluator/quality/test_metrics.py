"""The metrics against their definitions in plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eplb_variants import Topology, check_placement, load_variant
from evaluator.quality import metrics

TOPOLOGY = Topology(12, 4, 2, 4)


def in_plain_loops(load, placement):
    topology = placement.topology
    gpu_means, gpu_peaks, node_peaks, node_means, slot_peaks, slot_means = [], [], [], [], [], []
    for layer, row in enumerate(load):
        if not row.any():
            continue
        gpus, nodes, slots = [0.0] * topology.num_gpus, [0.0] * topology.num_nodes, []
        for slot, expert in enumerate(placement.phy2log[layer]):
            share = row[expert] / list(placement.phy2log[layer]).count(expert)
            gpus[slot // topology.slots_per_gpu] += share
            nodes[slot // topology.slots_per_node] += share
            slots.append(share)
        for values, means, peaks in (
            (gpus, gpu_means, gpu_peaks),
            (nodes, node_means, node_peaks),
            (slots, slot_means, slot_peaks),
        ):
            means.append(sum(values) / len(values))
            peaks.append(max(values))
    layer_mean = sum(m / p for m, p in zip(gpu_means, gpu_peaks, strict=True)) / len(gpu_means)
    return (
        sum(gpu_means) / sum(gpu_peaks),
        sum(node_means) / sum(node_peaks),
        sum(slot_means) / sum(slot_peaks),
        layer_mean,
    )


@given(st.integers(0, 2**32 - 1))
def test_balance_is_the_definition(seed):
    draw = np.random.default_rng(seed)
    load = np.round(draw.lognormal(sigma=1.5, size=(3, 8)) * 100).astype(np.int64)
    load[0] *= draw.integers(0, 2)
    placement = load_variant({"placer": {"name": "random", "seed": seed % 1000}}).place(load, TOPOLOGY)
    np.testing.assert_allclose(metrics.balance(load, placement), in_plain_loops(load, placement), rtol=1e-12)


def test_a_perfect_placement_is_one_and_no_load_is_nothing():
    placement = load_variant("contiguous").place(np.ones((2, 12)), TOPOLOGY)
    assert metrics.balance(np.full((2, 12), 7), placement) == pytest.approx((1, 1, 1, 1))
    assert all(math.isnan(value) for value in metrics.balance(np.zeros((2, 12)), placement))


def test_a_dense_layer_counts_nothing():
    load = np.random.default_rng(0).integers(1, 99, (3, 12))
    with_dense = load.copy()
    with_dense[1] = 0
    placement = load_variant("deepseek").place(load, TOPOLOGY)
    without = load_variant("deepseek").place(load[[0, 2]], TOPOLOGY)
    assert metrics.balance(with_dense, placement) == pytest.approx(metrics.balance(load[[0, 2]], without))


def placed(*slots):
    return check_placement(np.array(slots), 8, TOPOLOGY)


USED = np.array([True])
BASE = [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3]


def test_moved_slots_are_those_whose_expert_was_not_on_the_gpu():
    before = placed(BASE)
    assert metrics.moved_slots(before, before, USED) == 0
    within_a_gpu = placed([2, 0, 1, *BASE[3:]])
    assert metrics.moved_slots(before, within_a_gpu, USED) == 0
    swapped = placed([3, 1, 2, 0, 4, 5, *BASE[6:]])
    assert metrics.moved_slots(before, swapped, USED) == pytest.approx(2 / 12)
    copied_on_the_spot = placed([0, 0, 2, *BASE[3:]])  # the second copy of 0 is on the same GPU: nothing travels
    assert metrics.moved_slots(before, copied_on_the_spot, USED) == 0


def test_colocated_replicas_are_second_copies_on_a_gpu():
    assert metrics.colocated_replicas(placed(BASE), USED) == 0
    assert metrics.colocated_replicas(placed([0, 0, 0, 3, 4, 5, 6, 7, 1, 1, 2, 3]), USED) == pytest.approx(2 / 12)


def test_group_locality_counts_groups_on_one_node():
    """Groups of two experts, six slots a node: 0-1 and 2-3 on the first node, 4-5 on the second, 6-7 on both."""
    placement = placed([0, 1, 2, 3, 0, 6, 4, 5, 6, 7, 4, 7])
    assert metrics.group_locality(placement, USED) == 0.75
    odd = check_placement(np.array([BASE]), 8, Topology(12, 3, 2, 4))
    assert math.isnan(metrics.group_locality(odd, USED))


def test_layers_without_load_are_left_out_of_shares():
    two = check_placement(np.array([BASE, [0, 0, 0, 3, 4, 5, 6, 7, 1, 1, 2, 3]]), 8, TOPOLOGY)
    assert metrics.colocated_replicas(two, np.array([True, False])) == 0
    assert math.isnan(metrics.colocated_replicas(two, np.array([False, False])))


def in_arrays(load, placement):
    """The definitions once more, in whole arrays of float64."""
    topology = placement.topology
    slots = np.take_along_axis(load / placement.logcnt, placement.phy2log, axis=1)[load.any(axis=1)]
    gpus = slots.reshape(len(slots), topology.num_gpus, -1).sum(axis=2)
    nodes = gpus.reshape(len(slots), topology.num_nodes, -1).sum(axis=2)
    of = [part.mean(axis=1).sum() / part.max(axis=1).sum() for part in (gpus, nodes, slots)]
    return (*of, (gpus.mean(axis=1) / gpus.max(axis=1)).mean())


@pytest.mark.parametrize("topology", [Topology(288, 8, 4, 32), Topology(288, 1, 1, 144), Topology(320, 8, 8, 64)])
def test_a_window_of_the_largest_models_to_twelve_digits(topology):
    draw = np.random.default_rng(4)
    load = np.round(draw.lognormal(9, 0.8, (58, 256)))
    load[:3] = 0
    before, after = (load_variant("random").placer.__class__(seed=s)(load, topology, None) for s in (1, 2))
    first, second = (check_placement(made.phy2log, 256, topology) for made in (before, after))
    np.testing.assert_allclose(metrics.balance(load, second), in_arrays(load, second), rtol=1e-12)
    used, gpu = load.any(axis=1), np.arange(topology.num_slots) // topology.slots_per_gpu
    held = [[set(zip(gpu.tolist(), row.tolist(), strict=True)) for row in p.phy2log] for p in (first, second)]
    moved = [
        (g, e) not in held[0][layer] for layer in range(3, 58) for g, e in zip(gpu, second.phy2log[layer], strict=True)
    ]
    assert metrics.moved_slots(first, second, used) == pytest.approx(np.mean(moved), rel=1e-12)
    doubled = [topology.num_slots - len(held[1][layer]) for layer in range(3, 58)]
    assert metrics.colocated_replicas(second, used) == pytest.approx(np.mean(doubled) / topology.num_slots, rel=1e-12)


def test_what_leaves_its_groups_node():
    """Groups {0, 1} and {2, 3}; expert 0 has a copy on the other node, where half of its 8 tokens go if evenly."""
    placement = check_placement([[0, 1, 1, 2, 3, 0]], 4, Topology(6, 2, 2, 2))
    home = metrics.home_nodes(placement)
    assert home.tolist() == [[0, 0, 1, 1]]
    found = metrics.traffic(np.array([[8.0, 2, 3, 1]]), placement, home)
    assert found.remote_tokens == pytest.approx(4 / 14)
    assert found.remote_tokens_dispatch == pytest.approx(3 / 14), "then both GPUs have 7"
    assert found.balancedness_gpu_near == pytest.approx(0.95)
    assert found.remote_tokens_near == pytest.approx((10 - 7 / 0.95) / 14)
    assert np.isnan(metrics.traffic(np.zeros((1, 4)), placement, home)).all()


def test_a_group_that_lies_on_both_nodes_is_at_home_where_most_of_it_is():
    placement = check_placement([[0, 2, 1, 3]], 4, Topology(4, 2, 2, 2))
    assert metrics.home_nodes(placement).tolist() == [[0, 0, 0, 0]]
    placement = check_placement([[3, 2, 1, 0]], 4, Topology(4, 2, 2, 2))
    assert metrics.home_nodes(placement).tolist() == [[1, 1, 0, 0]]


def test_experts_with_tokens_are_counted_on_the_gpu_that_has_most():
    """Expert 0 has two tokens and three copies: the first two get one each. GPU 0 holds both and expert 1."""
    placement = check_placement([[0, 0, 1, 0, 2, 2]], 3, Topology(6, 1, 1, 2))
    assert metrics.active_experts(np.array([[2, 5, 0]]), placement) == 3
    assert metrics.active_experts(np.array([[1, 0, 9]]), placement) == 2
    assert np.isnan(metrics.active_experts(np.zeros((1, 3)), placement))


def test_a_gpu_computes_whole_tiles_for_each_slot():
    """Two copies of 0 get 5 and 4 of 9 tokens; with tiles of 4 the GPUs compute 8 + 4 and 4 + 4, for a mean of 6."""
    placement = check_placement(np.array([[0, 1, 0, 2]]), 3, Topology(4, 1, 1, 2, alignment=4))
    load = np.array([[9, 1, 2]])
    assert metrics.imbalance_tiles(load, placement) == pytest.approx(12 / 6)
    assert metrics.imbalance_tiles(np.array([[1, 0, 4]]), placement) == pytest.approx(4 / 2.5)  # the second copy: none
    shares = np.array([[8 / 9, 1, 1 / 9, 1]])
    assert metrics.imbalance_tiles(load, placement, shares) == pytest.approx(12 / 6)
    slow = check_placement(np.array([[0, 1, 0, 2]]), 3, Topology(4, 1, 1, 2, speeds=(1, 3), alignment=4))
    assert metrics.imbalance_tiles(load, slow) == pytest.approx(12 / 0.5 / 6)
    assert np.isnan(metrics.imbalance_tiles(np.zeros((1, 3)), placement))


def test_imbalance_is_one_over_balancedness():
    placement = check_placement([[0, 1, 2, 0]], 3, Topology(4, 1, 1, 2))
    load = np.array([[6, 4, 2]])
    assert metrics.imbalance(load, placement) == pytest.approx(7 / 6)
    share = np.array([[5 / 6, 1.0, 1.0, 1 / 6]])
    assert metrics.imbalance(load, placement, share) == pytest.approx(9 / 6)
