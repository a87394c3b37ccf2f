"""Refiners make the fullest GPU less full, and bounded moves stay within their budget."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import EplbError, Topology, load_variant
from eplb_variants.aligning.bounded import Bounded
from eplb_variants.aligning.fewest_moves import fewest_moves
from eplb_variants.refining.search import by_speed
from eplb_variants.refining.swaps import Swaps
from eplb_variants.refining.transfers import Transfers

LOAD = np.random.default_rng(5).lognormal(sigma=1.2, size=(6, 24)) * 100
TOPOLOGY = Topology(36, 1, 1, 6)


def peaks(load_LE, slots_LP, num_gpus):
    logcnt_LE = np.stack([np.bincount(slots_P, minlength=load_LE.shape[1]) for slots_P in slots_LP])
    weight_LP = np.take_along_axis(load_LE / logcnt_LE, slots_LP, axis=1)
    return weight_LP.reshape(len(load_LE), num_gpus, -1).sum(axis=2).max(axis=1)


@pytest.fixture(scope="module")
def packed():
    return load_variant("deepseek").place(LOAD, TOPOLOGY).phy2log


def test_no_layer_gets_worse_and_most_get_better(packed):
    before = peaks(LOAD, packed, 6)
    for refiner in (Swaps(), Transfers()):
        after = peaks(LOAD, refiner(LOAD, packed, np.ones((6, 6))), 6)
        assert (after <= before).all()
        assert (after < before).sum() >= 4


def test_swaps_keep_counts_and_transfers_need_not():
    """Of two experts on two GPUs, the one that is heavier than a GPU's part gets the slot that the other one wastes."""
    load, slots = np.array([[9.0, 1.0, 2.0]]), np.array([[0, 1, 1, 2]])
    np.testing.assert_array_equal(Swaps()(load, slots, np.ones((1, 2))), slots)
    changed = Transfers()(load, slots, np.ones((1, 2)))
    assert np.bincount(changed[0]).tolist() == [2, 1, 1]
    assert peaks(load, changed, 2)[0] < peaks(load, slots, 2)[0]


def test_no_change_puts_two_copies_on_one_gpu():
    draw = np.random.default_rng(1)

    def second(slots):
        return sum(4 - len(set(gpu)) for gpu in slots.reshape(6, 4).tolist())

    for _ in range(20):
        load = draw.lognormal(sigma=1.5, size=(1, 12))
        slots = load_variant("deepseek").place(draw.permuted(load, axis=1), Topology(24, 1, 1, 6)).phy2log
        assert second(Transfers(50.0, 0.0)(load, slots, np.ones((1, 6)))) <= second(slots)


@pytest.mark.parametrize(("max_moves", "most"), [(0.0, 0), (0.03, 1), (0.1, 3), (1.0, 36)])
def test_bounded_moves_stay_within_the_budget(packed, max_moves, most):
    load = np.random.default_rng(6).lognormal(sigma=1.2, size=LOAD.shape) * 100
    made = Bounded(max_moves)(load, packed[:, ::-1].copy(), TOPOLOGY, packed)
    assert ((made != packed).sum(axis=1) <= most).all()
    assert (peaks(load, made, 6) <= peaks(load, packed, 6)).all()
    if most > 1:
        assert (made != packed).any()


def test_a_price_leaves_layers_alone_whose_gain_is_not_worth_it(packed):
    assert (Bounded(1.0, price=10.0)(LOAD[:, ::-1].copy(), packed, TOPOLOGY, packed) == packed).all()


def test_groups_stay_on_the_nodes_that_they_are_on():
    topology = Topology(36, 4, 2, 6)
    placed = load_variant("deepseek").place(LOAD, topology)
    config = {**load_variant("lab_sticky").config, "aligner": {"name": "bounded", "max_moves": 0.1, "price": 0.003}}
    moved = load_variant(config).place(LOAD[:, ::-1].copy(), topology, placed)
    for before, after in zip(placed.phy2log.reshape(6, 2, 18), moved.phy2log.reshape(6, 2, 18), strict=True):
        for node in range(2):
            assert set(before[node]) == set(after[node])
    assert (moved.phy2log != placed.phy2log).any()


def test_what_is_in_place_must_fit():
    placed = load_variant("deepseek").place(LOAD[:3], TOPOLOGY)
    with pytest.raises(EplbError, match=r"the placement in place has \[3, 36\] slots of 24 experts"):
        load_variant("lab_sticky").place(LOAD, TOPOLOGY, placed)


@pytest.mark.parametrize("make", [lambda: Swaps(swaps=-1.0), lambda: Transfers(enough=-0.1), lambda: Bounded(1.5)])
def test_bad_parameters_are_refused(make):
    with pytest.raises(EplbError, match="must be|they are"):
        make()


@pytest.mark.parametrize("name", ["lab_best", "lab_sticky"])
def test_gpus_of_uneven_speed_get_what_they_can_do(name):
    """Half the GPUs do half as much: a blind balancer's take twice as long, and ours are nearly in balance."""
    uneven = Topology(60, 1, 1, 6, (1.0, 0.5, 1.0, 0.5, 1.0, 0.5))
    load = np.random.default_rng(7).lognormal(sigma=1.0, size=(4, 48)) * 100

    def balance(variant):
        placement = variant.place(load, uneven)
        weight_LP = np.take_along_axis(load / placement.logcnt, placement.phy2log, axis=1)
        took_LG = weight_LP.reshape(4, 6, -1).sum(axis=2) / uneven.relative_speeds
        return load.sum() / 6 / took_LG.max(axis=1).sum()

    assert balance(load_variant("deepseek")) < 0.8
    assert balance(load_variant(name)) > 0.95


def test_fuller_gpus_are_named_after_faster_ones():
    load, slots = np.array([[4.0, 3.0, 2.0, 1.0]]), np.array([[0, 1, 2, 3]])
    np.testing.assert_array_equal(by_speed(load, slots, np.array([[1.0, 1.0, 1.0, 1.0]])), slots)
    np.testing.assert_array_equal(by_speed(load, slots, np.array([[0.5, 1.0, 0.7, 1.8]])), [[3, 1, 2, 0]])


def test_a_pack_stays_with_gpus_of_the_speed_that_it_was_made_for():
    topology = Topology(8, 1, 1, 4, (1.0, 2.0, 1.0, 2.0))
    slots, previous = np.array([[0, 1, 2, 3, 4, 5, 6, 7]]), np.array([[2, 3, 6, 7, 0, 1, 4, 5]])
    aligned = fewest_moves(np.ones((1, 8)), slots, topology, previous)
    np.testing.assert_array_equal(aligned, [[4, 5, 6, 7, 0, 1, 2, 3]])


@pytest.mark.parametrize(("speeds", "groups"), [((0.5, 0.5, 1.5, 1.5), [[1, 3], [0, 2]]), ((), [[0, 2], [1, 3]])])
def test_heavier_nodes_are_named_after_faster_ones(speeds, groups):
    """The packer puts groups 0 and 2, which have 6 of 11 tokens, on the first node."""
    load = np.repeat([[1.0, 2.0, 5.0, 3.0]], 6, axis=1)
    placed = load_variant("lab_best").place(load, Topology(24, 4, 2, 4, speeds)).phy2log
    assert [sorted(set(node)) for node in (placed.reshape(2, 12) // 6).tolist()] == groups
