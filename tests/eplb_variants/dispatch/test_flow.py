"""The exact split against a linear program, on random graphs and loads."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from eplb_variants import Topology, check_placement
from eplb_variants.dispatch.even import even
from eplb_variants.dispatch.flow import flow
from eplb_variants.kernels import accelerate
from eplb_variants.kernels.flow import flow_peaks, near_peaks


def least_peak(load_E, slots_P, num_gpus, speed_G=None):
    """Return the load over its speed of the fullest GPU under the best split, by HiGHS."""
    size, num_slots = slots_P.size // num_gpus, slots_P.size
    speed_G = np.ones(num_gpus) if speed_G is None else speed_G
    of_gpu = np.hstack([np.repeat(np.eye(num_gpus), size, axis=1), -speed_G[:, None]])
    of_expert = np.hstack([slots_P == np.arange(load_E.size)[:, None], np.zeros((load_E.size, 1))])
    cost = np.append(np.zeros(num_slots), 1.0)
    found = linprog(cost, A_ub=of_gpu, b_ub=np.zeros(num_gpus), A_eq=of_expert, b_eq=load_E, method="highs")
    assert found.success
    return found.fun


def drawn(draw):
    """Return a load with some experts far hotter than others, and slots in which they are shared at random."""
    num_gpus, num_experts = int(draw.integers(1, 9)), int(draw.integers(1, 16))
    num_slots = -(-(num_experts + int(draw.integers(0, 16))) // num_gpus) * num_gpus
    rest = draw.integers(0, num_experts, num_slots - num_experts)
    slots_P = draw.permutation(np.concatenate([np.arange(num_experts), rest]))
    load_E = draw.gamma(0.5, size=num_experts) * 100
    speeds = () if draw.random() < 0.5 else tuple(draw.choice([0.3, 0.8, 1.0, 1.5], num_gpus).tolist())
    topology = Topology(num_slots, 1, 1, num_gpus, speeds)
    return (np.floor(load_E / 30) if draw.random() < 0.25 else load_E), slots_P, topology


def assert_exact(cases, seed):
    draw = np.random.default_rng(seed)
    split = accelerate(flow)
    for _ in range(cases):
        load_E, slots_P, topology = drawn(draw)
        placement = check_placement(slots_P[None], load_E.size, topology)
        share_P = split(load_E[None], placement)[0]
        gpu_G = (load_E[slots_P] * share_P).reshape(topology.num_gpus, -1).sum(axis=1) / topology.relative_speeds
        least = least_peak(load_E, slots_P, topology.num_gpus, topology.relative_speeds)
        np.testing.assert_allclose(gpu_G.max(), least, rtol=1e-9)
        np.testing.assert_allclose(flow_peaks(load_E[None], placement)[0], gpu_G.max(), rtol=1e-12)
        np.testing.assert_allclose(np.bincount(slots_P, share_P, load_E.size), 1, rtol=1e-12)


def test_the_peak_is_that_of_the_linear_program():
    assert_exact(150, 0)


@pytest.mark.long
def test_the_peak_is_that_of_the_linear_program_for_thousands():
    assert_exact(4000, 1)


def test_a_chain_carries_load_from_end_to_end():
    """What a GPU has too much reaches one that holds none of its experts."""
    placement = check_placement([[0, 1, 1, 2, 2, 3]], 4, Topology(6, 1, 1, 3))
    load = np.array([[4.0, 4.0, 4.0, 0.0]])
    share = flow(load, placement)
    np.testing.assert_allclose((load[0][placement.phy2log[0]] * share[0]).reshape(3, 2).sum(axis=1), [4.0, 4.0, 4.0])
    np.testing.assert_allclose(share, [[1.0, 0.0, 1.0, 0.0, 1.0, 1.0]], atol=1e-12)


def test_what_is_not_shared_bounds_the_peak():
    placement = check_placement([[0, 1, 1, 2]], 3, Topology(4, 1, 1, 2))
    assert flow_peaks(np.array([[10.0, 4.0, 0.0]]), placement)[0] == 10.0


def test_even_shares_count_copies():
    placement = check_placement([[0, 0, 1, 0]], 2, Topology(4, 1, 1, 2))
    np.testing.assert_array_equal(even(np.ones((1, 2)), placement), [[1 / 3, 1 / 3, 1.0, 1 / 3]])


def near(load_E, slots_P, num_gpus, num_nodes, home_E, target=1.0):
    placement = check_placement(slots_P[None], load_E.size, Topology(slots_P.size, num_nodes, num_nodes, num_gpus))
    found = near_peaks(load_E[None], placement, home_E[None], target)
    np.testing.assert_allclose(found.best_L, flow_peaks(load_E[None], placement), rtol=1e-12)
    if target == 1:
        np.testing.assert_allclose(found[:2], found[2:], rtol=1e-12)
    return found.near_L[0], found.remote_near_L[0]


def fewest_remote(load_E, slots_P, num_gpus, gpus_per_node, home_E, peak):
    """Return the fewest tokens that leave their node at a peak, by HiGHS."""
    size, num_slots = slots_P.size // num_gpus, slots_P.size
    of_gpu = np.repeat(np.eye(num_gpus), size, axis=1)
    of_expert = slots_P == np.arange(load_E.size)[:, None]
    away_P = (np.arange(num_slots) // size // gpus_per_node != home_E[slots_P]).astype(float)
    found = linprog(
        away_P, A_ub=of_gpu, b_ub=np.full(num_gpus, peak * (1 + 1e-9)), A_eq=of_expert, b_eq=load_E, method="highs"
    )
    assert found.success
    return found.fun


def test_beginning_at_home_the_peak_is_the_same_and_few_tokens_leave():
    """Never fewer than a linear program needs, nor many more on average."""
    draw = np.random.default_rng(3)
    found, least = 0.0, 0.0
    for _ in range(60):
        slots_P = np.concatenate([np.arange(24).reshape(8, 3), draw.integers(0, 24, (8, 1))], axis=1).ravel()
        load_E, home_E = draw.gamma(0.7, size=24) * 100, np.repeat(np.arange(2), 12)
        peak, remote = near(load_E, slots_P, 8, 2, home_E)
        np.testing.assert_allclose(peak, least_peak(load_E, slots_P, 8), rtol=1e-9)
        fewest = fewest_remote(load_E, slots_P, 8, 4, home_E, peak)
        assert remote >= fewest - 1e-6 * load_E.sum()
        found, least = found + remote, least + fewest
    assert found <= 1.6 * least + 1e-9


def test_tokens_leave_only_as_far_as_the_target_asks():
    """Node 0 has 12 of 16 tokens, and its hottest expert a copy on node 1."""
    slots_P, home_E = np.array([0, 1, 2, 0]), np.array([0, 0, 1])
    load_E = np.array([8.0, 4.0, 4.0])
    assert near(load_E, slots_P, 2, 2, home_E) == pytest.approx((8.0, 4.0))
    assert near(load_E, slots_P, 2, 2, home_E, target=0.8) == pytest.approx((10.0, 2.0))
    assert near(load_E, slots_P, 2, 2, home_E, target=0.5) == pytest.approx((12.0, 0.0))
