"""The placement in force stays: few slots change, those that pay; a layer whose load jumped is placed anew."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import EplbError, Topology, load_variant
from eplb_variants.aligning.pooled import moves
from eplb_variants.dispatch.flow import flow
from eplb_variants.kernels import accelerate
from eplb_variants.kernels.flow import flow_peaks
from eplb_variants.rings.hot_ring import HotRing
from eplb_variants.rings.still import Layer, Still

TOPOLOGY = Topology(72, 1, 1, 8)
LOAD = np.random.default_rng(5).lognormal(sigma=0.8, size=(6, 64)) * 100
FIRST = load_variant({"placer": {"name": "hot_ring", "theta": 0.35}}).place(LOAD, TOPOLOGY)


def drifted(seed, sigma=0.25):
    return LOAD * np.random.default_rng(seed).lognormal(sigma=sigma, size=LOAD.shape)


def place(load, previous=FIRST, **parameters):
    return load_variant({"placer": {"name": "still", **parameters}}).place(load, TOPOLOGY, previous)


def moved(placement, previous=FIRST):
    """Return how many slots of each layer hold an expert that was not on their GPU."""
    return moves(placement.phy2log, previous.phy2log, TOPOLOGY.num_gpus)


def test_without_a_placement_in_force_it_is_the_hot_ring():
    np.testing.assert_array_equal(place(LOAD, None).phy2log, FIRST.phy2log)


def test_a_load_that_does_not_change_moves_nothing():
    np.testing.assert_array_equal(place(LOAD, price=0.01).phy2log, FIRST.phy2log)


@pytest.mark.parametrize(("trickle", "most"), [(0.0, 0), (0.01, 4), (0.05, 21)])
def test_at_most_its_part_of_the_slots_changes(trickle, most):
    for seed in range(3):
        placement = place(drifted(seed), rebuild=10.0, trickle=trickle)
        assert moved(placement).sum() <= most == int(trickle * FIRST.phy2log.size + 1e-9)
        assert (placement.phy2log != FIRST.phy2log).sum() == moved(placement).sum(), "others keep their slots"


def test_what_changes_pays():
    """The peak that was planned for is lower with changes than without, and the dearer a slot, the fewer change."""
    changed = {0.0001: 0, 0.02: 0}
    for seed in range(3):
        load = drifted(seed, 0.6)
        before, after = (flow_peaks(load, p).sum() for p in (FIRST, place(load, rebuild=10.0, trickle=0.05)))
        assert after < before
        for price in changed:
            changed[price] += moved(place(load, rebuild=10.0, trickle=0.2, price=price)).sum()
    assert 0 < changed[0.02] < changed[0.0001]


def test_a_layer_whose_load_jumped_is_placed_anew_and_the_others_are_not():
    load = LOAD.copy()
    load[2] = load[2][::-1] ** 1.5
    placement = place(load, trickle=0.0)
    fresh = HotRing(0.35)(load, TOPOLOGY, None).phy2log[2].reshape(8, 9)
    assert np.flatnonzero(moved(placement)).tolist() == [2]
    assert {frozenset(gpu) for gpu in placement.phy2log[2].reshape(8, 9).tolist()} == {*map(frozenset, fresh.tolist())}


def test_the_kernel_changes_the_same_slots():
    stage = Still(trickle=0.03, rebuild=0.05, scenarios=6)
    for seed in range(2):
        load = drifted(seed, 0.4)
        one, other = stage(load, TOPOLOGY, FIRST), accelerate(stage)(load, TOPOLOGY, FIRST)
        np.testing.assert_array_equal(one.phy2log, other.phy2log)
        np.testing.assert_array_equal(one.rank, other.rank)


def test_what_a_move_is_said_to_gain_it_gains():
    scenarios = drifted(3, 0.5)[0] * np.random.default_rng(0).lognormal(sigma=0.1, size=(5, 64))
    layer = Layer(accelerate(flow), scenarios, FIRST.phy2log[0], TOPOLOGY)
    before, move = layer.peak, layer.best_move()
    layer.make(move)
    assert move.gain > 0
    assert before - layer.peak == pytest.approx(move.gain, rel=1e-9)


def test_every_expert_keeps_a_copy_where_everything_changes():
    placement = place(drifted(0, 2.0), rebuild=10.0, trickle=1.0, price=0.0)
    assert placement.logcnt.min() >= 1


def test_shares_planned_with_it_are_worth_more_than_even_ones():
    """On the load that it was planned for, by far; lab_still carries them for engines that do not split by load."""
    variant = load_variant("lab_still")
    placement = variant.place(LOAD, TOPOLOGY, FIRST)
    assert placement.share is not None
    assert variant.dispatch(LOAD, placement) is not placement.share


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"trickle": 1.5}, "trickle is 1.5: it must be 0 or more, and 1.0 at most"),
        ({"noise": -1.0}, "noise is -1.0"),
        ({"scenarios": 0}, "scenarios is 0: it must be 1 or more"),
    ],
)
def test_what_cannot_be_is_a_sentence(parameters, words):
    with pytest.raises(EplbError, match=words):
        place(LOAD, **parameters)


def test_a_placement_of_another_shape_is_a_sentence():
    with pytest.raises(EplbError, match=r"has \[6, 72\] slots of 64 experts: it must have \[3, 72\] of 64"):
        place(LOAD[:3])
