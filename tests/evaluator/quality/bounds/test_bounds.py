"""No placement passes a bound: beside the best placements of small layers, and beside balancers on large ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from eplb_variants import Topology, load_variant
from eplb_variants.errors import UnfitError
from evaluator.bench.bounds import ROUNDING, heuristic_peak, measure_bounds, small_layers
from evaluator.bench.exact import least_peak
from evaluator.progress import Silent
from evaluator.quality import metrics
from evaluator.quality.bounds import bound, peak_bounds
from evaluator.quality.bounds.grouping import _dealt, lightest_heaviest, ways
from evaluator.workloads.synthetic import Synthetic


def check(load_E, topology):
    """See that heuristic >= optimum >= bound, under even dispatch and any; return the bounds over the optima."""
    any_L, even_L = peak_bounds(load_E[None], topology)
    even, split = (least_peak(load_E, topology, even=is_even) for is_even in (True, False))
    assert even_L[0] <= even * (1 + ROUNDING), (load_E, topology)
    assert any_L[0] <= split * (1 + ROUNDING), (load_E, topology)
    assert split <= even * (1 + ROUNDING)
    assert heuristic_peak(load_E, topology) >= even * (1 - ROUNDING)
    return even_L[0] / even, any_L[0] / split


def test_no_placement_of_a_small_layer_passes_its_bound():
    found = [check(*layer) for layer in small_layers(5)]
    assert np.mean(found) > 0.9, "and the bounds are near"


@pytest.mark.long
def test_no_placement_of_many_small_layers_passes_its_bound():
    found = [check(*layer) for layer in small_layers(120, seed=1)]
    assert np.mean(found) > 0.96


def with_speeds(topology, draw):
    speeds = tuple(draw.choice([0.25, 0.8, 0.9, 1.0, 1.1, 2.0], topology.num_gpus).tolist())
    return dataclasses.replace(topology, speeds=speeds)


def test_nor_where_gpus_are_of_uneven_speed():
    draw = np.random.default_rng(4)
    found = [check(load_E, with_speeds(topology, draw)) for load_E, topology in small_layers(5, seed=4)]
    assert np.mean(found) > 0.7, "and the bounds are near"


@pytest.mark.long
def test_nor_of_many_small_layers_where_gpus_are_of_uneven_speed():
    draw = np.random.default_rng(5)
    found = [check(load_E, with_speeds(topology, draw)) for load_E, topology in small_layers(60, seed=5)]
    assert np.mean(found) > 0.75


@pytest.mark.parametrize("load", [[7, 0, 0, 0, 0], [1, 1, 1, 1, 1], [9, 5, 0, 0, 0], [0, 0, 0, 0, 1]])
def test_idle_and_equal_experts(load):
    check(np.array(load, dtype=float), Topology(6, 1, 1, 3))


@pytest.mark.parametrize("num_gpus", [32, 72, 96, 144, 288])
@pytest.mark.parametrize("sigma", [0.5, 1.5])
def test_balancers_that_know_the_load_stay_below(num_gpus, sigma):
    load_LE = np.random.default_rng(num_gpus).lognormal(sigma=sigma, size=(3, 256))
    topology = Topology(288, 1, 1, num_gpus)
    limit = bound(load_LE, topology)
    assert limit.even <= limit.any <= 1 + 1e-12
    for name in ("deepseek", "lab_best"):
        placement = load_variant(name).place(load_LE[None], topology)
        assert metrics.balance(load_LE, placement).gpu <= limit.even * (1 + 1e-9)
        assert metrics.balance_dispatched(load_LE, placement) <= limit.any * (1 + 1e-9)


def test_one_slot_a_gpu_has_no_better_placement_than_dhondts():
    """Each replica has a GPU to itself, and D'Hondt's replica counts are the best there are."""
    load_LE = np.random.default_rng(0).lognormal(size=(4, 64))
    topology = Topology(80, 1, 1, 80)
    own = metrics.balance(load_LE, load_variant("deepseek").place(load_LE[None], topology)).gpu
    assert bound(load_LE, topology).even == pytest.approx(own, rel=3e-4)
    assert bound(load_LE, topology).even >= own * (1 - 1e-12)


def test_groups_on_their_nodes_bound_the_balance():
    load_LE = Synthetic(num_layers=6, num_experts=64, num_groups=8, icc=0.38, windows=1).make(0).windows(1)[0]
    topology = Topology(96, 8, 4, 16)
    held, free = bound(load_LE, topology), bound(load_LE, topology.flat())
    assert held.even < 0.97 * free.even
    placement = load_variant("deepseek").place(load_LE[None], topology)
    assert metrics.balance(load_LE, placement).gpu <= held.even
    assert bound(load_LE, Topology(96, 6, 4, 16)) == free, "groups that do not divide over nodes are not held together"


def test_the_heaviest_node_is_exact_where_there_are_few_ways_and_below_elsewhere(monkeypatch):
    load_LQ = np.random.default_rng(0).lognormal(size=(50, 8))
    assert ways(8, 4) == len(_dealt(8, 4)) == 105
    assert ways(6, 2) == len(_dealt(6, 2)) == 10
    exact = {nodes: lightest_heaviest(load_LQ, nodes) for nodes in (1, 2, 4, 8)}
    np.testing.assert_allclose(exact[1], load_LQ.sum(axis=1))
    np.testing.assert_allclose(exact[8], load_LQ.max(axis=1))
    monkeypatch.setattr("evaluator.quality.bounds.grouping.MOST_WAYS", 0)
    for nodes, heaviest in exact.items():
        below = lightest_heaviest(load_LQ, nodes)
        assert (below <= heaviest * (1 + 1e-12)).all()
        assert (below >= 0.8 * heaviest).all()


def test_what_is_kept_is_told_apart_by_load_and_machine():
    load_LE = np.array([[5.0, 1, 1, 1]])
    assert bound(load_LE, Topology(6, 1, 1, 3)) == bound(load_LE.astype(int), Topology(6, 1, 1, 3))
    assert bound(load_LE, Topology(6, 1, 1, 3)) != bound(load_LE, Topology(6, 1, 1, 6))
    assert bound(load_LE[:, ::-1], Topology(6, 1, 1, 3)) == bound(load_LE, Topology(6, 1, 1, 3))


def test_a_load_of_nothing_has_no_bound_and_too_few_slots_are_an_error():
    assert np.isnan(bound(np.zeros((2, 4)), Topology(6, 1, 1, 3))).all()
    with pytest.raises(UnfitError, match="too few"):
        bound(np.ones((1, 8)), Topology(6, 1, 1, 3))


def test_the_benchmark_says_how_near_bounds_are():
    lines = measure_bounds(Silent(), 2)
    assert lines[0].met
    assert [line.what for line in lines[1:4]] == [
        "bound, even dispatch",
        "bound, any dispatch",
        "lab_best, even dispatch",
    ]
    assert all(0.5 < line.value <= 1 + 1e-6 for line in lines[1:4])
    assert all(line.ratio.value <= 1 for line in lines[4:])


def test_the_solver_prints_nothing(capfd):
    for load_E, topology in small_layers(3, seed=3):
        least_peak(load_E, topology, even=True)
    assert capfd.readouterr().out == ""
