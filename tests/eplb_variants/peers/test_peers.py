"""Planners of engines: what they put where on layers small enough to follow by hand, and what their papers promise."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import EplbError, Topology, check_placement, load_variant
from eplb_variants.aligning.fewest_moves import kept
from eplb_variants.peers.flashlb import FlashLB, imbalance
from eplb_variants.peers.omni import Omni
from eplb_variants.peers.swift_balancer import SwiftBalancer
from eplb_variants.peers.ultraep import UltraEPPlacement
from eplb_variants.placement import Placement, number_replicas
from eplb_variants.replication.dhondt import dhondt


def in_place(rows, num_experts):
    """Return one layer, a row of experts for each GPU, as the placement in force."""
    slots_GS = np.array(rows)
    return check_placement(slots_GS.reshape(1, -1), num_experts, Topology(slots_GS.size, 1, 1, len(rows)))


def gpus(made, topology):
    """Return the experts of each GPU of the only layer, sorted."""
    return [sorted(gpu) for gpu in made.phy2log.reshape(topology.num_gpus, -1).tolist()]


def changed(placer, load, rows):
    previous = in_place(rows, len(load))
    return gpus(placer(np.array([load], dtype=float), previous.topology, previous), previous.topology)


def random_loads(seed, layers=12, experts=64):
    return np.random.default_rng(seed).lognormal(sigma=0.8, size=(layers, experts)) * 1000


class TestUltraEP:
    def test_copies_of_the_hottest_go_where_there_is_least_load(self):
        """The first on every GPU; a copy of the second has its own GPU alone left, which holds its first again."""
        topology = Topology(9, 1, 1, 3)
        made = UltraEPPlacement()(np.array([[10.0, 2.0, 2.0, 1.0, 0.0, 0.0]]), topology, None)
        assert gpus(made, topology) == [[0, 0, 1], [0, 2, 3], [0, 4, 5]]

    def test_homes_stay_whatever_comes(self):
        topology = Topology(72, 1, 1, 8)
        placements = [load_variant("ultraep_placement").place(random_loads(seed)[None], topology) for seed in range(5)]
        home = np.arange(64) // 8
        for placement in placements:
            for slots_GS in placement.phy2log.reshape(-1, 8, 9):
                assert all(expert in slots_GS[home[expert]] for expert in range(64))


class TestSwiftBalancer:
    def test_swaps_what_evens_the_fullest_gpu_out(self):
        assert changed(SwiftBalancer(), [4, 3, 2, 1], [[0, 1], [2, 3]]) == [[1, 2], [0, 3]]

    def test_a_redundant_slot_goes_to_the_hottest_expert(self):
        """The first copies of 0, 2 and 1, 3 stay; the slot that held 1 twice gets 0, and no swap gains a hundredth."""
        assert changed(SwiftBalancer(), [9, 1, 3, 3, 1, 1], [[0, 2, 4], [1, 3, 1], [5, 5, 5]])[0] == [0, 2, 4]
        assert changed(SwiftBalancer(swaps=0), [9, 1, 1], [[0, 1], [2, 1]]) == [[0, 1], [0, 2]]

    @pytest.mark.parametrize(
        ("settings", "load"), [({"balanced": 3.0}, [4, 3, 2, 1]), ({}, [3, 3, 3, 3]), ({"least": 0.3}, [4, 3, 2, 1])]
    )
    def test_what_gains_too_little_stays(self, settings, load):
        assert changed(SwiftBalancer(**settings), load, [[0, 1], [2, 3]]) == [[0, 1], [2, 3]]

    def test_one_weight_at_most_goes_from_any_gpu_to_any_other(self):
        topology = Topology(72, 1, 1, 8)
        before = load_variant("deepseek").place(random_loads(1)[None], topology)
        after = SwiftBalancer()(random_loads(2), topology, before)
        came = 0
        for old_GS, new_GS in zip(*(one.phy2log.reshape(-1, 8, 9) for one in (before, after)), strict=True):
            for gpu in range(8):
                new = set(new_GS[gpu].tolist()) - set(old_GS[gpu].tolist())
                came += len(new)
                assert len(new) <= 7
        assert 0 < came < 0.5 * before.phy2log.size


class TestOmni:
    def test_swaps_what_brings_the_fullest_nearest_to_the_emptiest(self):
        assert changed(Omni(), [40, 30, 20, 10], [[0, 1], [2, 3]]) == [[1, 2], [0, 3]]

    def test_a_redundant_copy_on_the_fullest_gpu_gives_way(self):
        """110 and 60 become 70 and 100 without the first GPU's half of 0; then 1 goes there: 90 and 80.

        Were the copy to stay, it would be swapped for 1, and the second GPU would hold 0 twice.
        """
        assert changed(Omni(steps=1), [80, 20, 70], [[0, 2], [1, 0]]) == [[1, 2], [0, 1]]

    def test_a_slot_that_is_emptied_and_not_filled_goes_on_holding_what_it_held(self):
        """Without its copy of 1 the first GPU has 60, as the second has then: nothing is left to do."""
        assert changed(Omni(), [60, 20, 40], [[0, 1], [2, 1]]) == [[0, 1], [1, 2]]

    def test_it_adds_a_copy_of_a_hot_expert_in_place_of_a_redundant_one(self):
        """80, 5 and 5: half of 0 in place of a copy of 1 makes it 40, 40 and 10, and no swap lowers the ratio then."""
        assert changed(Omni(), [80, 10], [[0], [1], [1]]) == [[0], [0], [1]]

    def test_near_is_enough(self):
        assert changed(Omni(near=3.0), [40, 30, 20, 10], [[0, 1], [2, 3]]) == [[0, 1], [2, 3]]


class TestFlashLB:
    def test_experts_that_are_hot_together_are_kept_apart(self):
        """Means are equal: 0 and 1 rise where 2 and 3 fall, so each GPU gets one of either."""
        history = np.array([[[3.0, 3.0, 1.0, 1.0]], [[1.0, 1.0, 3.0, 3.0]]] * 3)
        topology = Topology(4, 1, 1, 2)
        for row in gpus(FlashLB()(history, topology, None), topology):
            assert len({expert // 2 for expert in row}) == 2

    def test_no_expert_is_twice_on_a_gpu_while_another_lacks_it(self):
        load = np.array([[[50.0, 2.0, 2.0, 2.0, 1.0, 1.0]]])
        topology = Topology(12, 1, 1, 4)
        assert all(len(set(row)) == 3 for row in gpus(FlashLB()(load, topology, None), topology))

    def test_the_search_is_never_worse_than_dhondts_division(self):
        history = np.stack([random_loads(3) * np.random.default_rng(w).lognormal(sigma=0.3, size=64) for w in range(6)])
        topology = Topology(96, 1, 1, 8)
        peaks = {}
        for width in (0, 8):
            made = FlashLB(width=width)(history, topology, None)
            peaks[width] = [imbalance(history[:, layer], made.phy2log[layer], 8) for layer in range(12)]
        assert np.mean(peaks[8]) < np.mean(peaks[0])
        plain = FlashLB(depth=1, z=0.0)(history[-1:], topology, None)
        np.testing.assert_array_equal(plain.logcnt, dhondt(history[-1], 96).logcnt)

    def test_a_layer_that_will_do_stays_and_another_keeps_most_weights(self):
        topology = Topology(72, 1, 1, 8)
        load = random_loads(4)
        placed = load_variant("deepseek").place(load[None], topology)
        slots_LP = placed.phy2log.copy()
        slots_LP[3] = np.concatenate([np.arange(64), np.arange(8)])  # by number
        previous = Placement(slots_LP, number_replicas(slots_LP), 64, topology)
        made = FlashLB()(load[None], topology, previous)
        stays = [layer for layer in range(12) if layer != 3]
        np.testing.assert_array_equal(made.phy2log[stays], slots_LP[stays])
        assert imbalance(load[None, 3], made.phy2log[3], 8) < imbalance(load[None, 3], slots_LP[3], 8)
        new_GS, old_GS = made.phy2log[3].reshape(8, 9), slots_LP[3].reshape(8, 9)
        assert np.trace(kept(new_GS, old_GS)) >= max(
            np.trace(np.roll(kept(new_GS, old_GS), turn, axis=1)) for turn in range(1, 8)
        )


@pytest.mark.parametrize(
    ("placer", "settings"),
    [
        (SwiftBalancer, {"increment": -0.1}),
        (SwiftBalancer, {"balanced": 0.5}),
        (SwiftBalancer, {"least": 1.0}),
        (SwiftBalancer, {"swaps": -1}),
        (Omni, {"near": 0.9}),
        (Omni, {"steps": -1}),
        (Omni, {"copies": 0}),
        (FlashLB, {"windows": 0}),
        (FlashLB, {"z": -1.0}),
        (FlashLB, {"depth": 0}),
        (FlashLB, {"width": -1}),
        (FlashLB, {"enough": 1.5}),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(placer, settings):
    with pytest.raises(EplbError, match=next(iter(settings))):
        placer(**settings)


@pytest.mark.parametrize("name", ["swift_balancer", "omni", "flashlb"])
def test_a_placement_of_another_shape_is_refused(name):
    topology = Topology(72, 1, 1, 8)
    previous = load_variant("deepseek").place(random_loads(1, layers=3)[None], topology)
    with pytest.raises(EplbError, match="the placement in place"):
        load_variant(name).place(random_loads(1)[None], topology, previous)


def test_flashlb_looks_at_its_windows_and_not_at_a_forecast():
    variant = load_variant("flashlb")
    assert variant.windows == 64
    history = np.stack([random_loads(seed) for seed in range(4)])
    topology = Topology(72, 1, 1, 8)
    assert not np.array_equal(variant.place(history, topology).phy2log, variant.place(history[-1:], topology).phy2log)
