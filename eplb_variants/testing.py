"""The conformance suite: what every stage and every variant must do, ours or a stranger's.

A test class inherits from a suite and says what to test; pytest collects the rest::

    from eplb_variants.testing import PackerConformance

    class TestMyPacker(PackerConformance):
        def make(self):
            return MyPacker()

``check_balancer`` is the same check for anything that can be called with a load and a topology.
Shapes: L layers, E logical experts, P slots, N rows, M items.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eplb_variants.checks import check_reaction, check_shares
from eplb_variants.contracts import (
    Aligner,
    Dispatcher,
    FixUp,
    Forecaster,
    HistoryPlacer,
    Packer,
    Placer,
    Reactive,
    Refiner,
    Replication,
    Replicator,
    takes_history,
)
from eplb_variants.errors import EplbError
from eplb_variants.hard_loads import EXPERTS, HIERARCHICAL, LAYERS, Case, cases, hard_loads
from eplb_variants.loads import FloatArray
from eplb_variants.placement import Placement, check_placement
from eplb_variants.replication.dhondt import dhondt
from eplb_variants.topology import Topology
from eplb_variants.variant import Variant


def check_balancer(place: Callable[[FloatArray, Topology], Placement], case: Case) -> Placement:
    """Return the placement of ``place`` for a case after checking it.

    It must be a placement, the same when asked again, and leave its input alone.

    Raises:
        AssertionError: with the name of the case and what is wrong.
    """
    given = case.load.copy()
    first = place(given, case.topology)
    assert np.array_equal(given, case.load), f"{case.name}: the load was changed in place"
    second = place(given, case.topology)
    assert np.array_equal(first.phy2log, second.phy2log), f"{case.name}: two calls gave different placements"
    try:
        return check_placement(
            first.phy2log,
            case.load.shape[1],
            case.topology,
            rank=first.rank,
            logcnt=first.logcnt,
            log2phy=first.log2phy,
        )
    except EplbError as error:
        raise AssertionError(f"{case.name}: {error}") from None


class VariantConformance:
    """A whole variant."""

    def make(self) -> Variant:
        raise NotImplementedError("make() returns the variant to test")

    def test_places_every_case(self) -> None:
        variant = self.make()
        for case in cases():
            placement = check_balancer(lambda load, topology: variant.place(load, topology), case)
            assert placement.phy2log.shape == (LAYERS, case.topology.num_slots), case.name

    def test_takes_a_history_and_what_is_in_place(self) -> None:
        variant = self.make()
        history = np.stack([hard_loads()["mild"], hard_loads()["heavy skew"]])
        previous = variant.place(history[:1], HIERARCHICAL)
        placement = variant.place(history, HIERARCHICAL, previous)
        check_placement(placement.phy2log, EXPERTS, HIERARCHICAL, rank=placement.rank)

    def test_refuses_bad_loads_before_any_work(self) -> None:
        variant = self.make()
        good = hard_loads()["mild"]
        for bad in (np.nan, np.inf, -1.0):
            load = good.copy()
            load[1, 2] = bad
            _assert_refused(variant, load, HIERARCHICAL)
        for shape in ((EXPERTS,), (0, EXPERTS), (LAYERS, 0), (1, 1, LAYERS, EXPERTS)):
            _assert_refused(variant, np.ones(shape), HIERARCHICAL)
        _assert_refused(variant, good, Topology(EXPERTS - 4, 4, 2, 4))


def _assert_refused(variant: Variant, load: FloatArray, topology: Topology) -> None:
    try:
        variant.place(load, topology)
    except EplbError:
        return
    raise AssertionError(f"a load of shape {load.shape} on {topology} was not refused")


class PlacerConformance:
    """A placer: a stage that makes the whole placement."""

    def make(self) -> Placer | HistoryPlacer:
        raise NotImplementedError("make() returns the placer to test")

    def test_places_every_case(self) -> None:
        placer = self.make()

        def place(load: FloatArray, topology: Topology) -> Placement:
            given: Any = load[None] if takes_history(placer) else load
            made = placer(given, topology, None)
            return Placement(made.phy2log, made.rank, load.shape[1], topology)

        for case in cases():
            check_balancer(place, case)


class PackerConformance:
    """A packer."""

    def make(self) -> Packer:
        raise NotImplementedError("make() returns the packer to test")

    def test_fills_every_pack_with_equally_many(self) -> None:
        packer = self.make()
        for name, weights in hard_loads().items():
            labels = np.broadcast_to(np.arange(EXPERTS) // 2, weights.shape)
            for num_packs in (1, 2, 6, EXPERTS):
                packing = packer(weights.copy(), labels, num_packs)
                place = packing.pack_index * (EXPERTS // num_packs) + packing.rank_in_pack
                assert (np.sort(place, axis=1) == np.arange(EXPERTS)).all(), f"{name}, {num_packs} packs"

    def test_leaves_its_input_alone_and_repeats_itself(self) -> None:
        packer = self.make()
        for name, weights in hard_loads().items():
            labels = np.tile(np.arange(EXPERTS) // 2, (LAYERS, 1))
            given = (weights.copy(), labels.copy())
            first, second = packer(*given, 6), packer(*given, 6)
            assert np.array_equal(given[0], weights), name
            assert np.array_equal(given[1], labels), name
            assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True)), name

    def test_rows_do_not_see_each_other(self) -> None:
        packer = self.make()
        weights = hard_loads()["many exact ties"]
        labels = np.tile(np.arange(EXPERTS) // 2, (LAYERS, 1))
        together = packer(weights, labels, 6)
        for row in range(LAYERS):
            alone = packer(weights[row : row + 1], labels[row : row + 1], 6)
            assert np.array_equal(alone.pack_index[0], together.pack_index[row])
            assert np.array_equal(alone.rank_in_pack[0], together.rank_in_pack[row])


def _check_replication(name: str, made: Replication, num_slots: int) -> None:
    topology = Topology(num_slots, 1, 1, 1)
    try:
        check_placement(made.phy2log, EXPERTS, topology, rank=made.rank, logcnt=made.logcnt)
    except EplbError as error:
        raise AssertionError(f"{name}: {error}") from None


class ReplicatorConformance:
    """A replicator."""

    def make(self) -> Replicator:
        raise NotImplementedError("make() returns the replicator to test")

    def test_gives_every_expert_a_copy_and_fills_every_slot(self) -> None:
        replicator = self.make()
        for name, load in hard_loads().items():
            given = load.copy()
            for num_slots in (EXPERTS, EXPERTS + 1, 36, 3 * EXPERTS):
                made = replicator(given, num_slots)
                _check_replication(name, made, num_slots)
                assert (made.phy2log[:, :EXPERTS] == np.arange(EXPERTS)).all(), name
                again = replicator(given, num_slots)
                assert all(np.array_equal(a, b) for a, b in zip(made, again, strict=True)), name
            assert np.array_equal(given, load), f"{name}: the load was changed in place"


class FixUpConformance:
    """A fix-up."""

    def make(self) -> FixUp:
        raise NotImplementedError("make() returns the fix-up to test")

    def test_keeps_every_expert_and_every_slot(self) -> None:
        fixup = self.make()
        for name, load in hard_loads().items():
            for num_slots in (EXPERTS, EXPERTS + 1, 36, 3 * EXPERTS):
                before = dhondt(load[:, ::-1], num_slots)  # counts for another load: something to mend
                given = Replication(*(array.copy() for array in before))
                fixed = fixup(load, given)
                _check_replication(name, fixed, num_slots)
                assert all(np.array_equal(a, b) for a, b in zip(given, before, strict=True)), f"{name}: input changed"


def _uneven(num_rows: int, num_gpus: int) -> FloatArray:
    """Return speeds ``[N, G]`` that differ from GPU to GPU and from row to row, of mean 1."""
    speed = np.random.default_rng(num_gpus).uniform(0.5, 1.5, (num_rows, num_gpus))
    return speed / speed.mean(axis=1, keepdims=True)


class RefinerConformance:
    """A refiner."""

    def make(self) -> Refiner:
        raise NotImplementedError("make() returns the refiner to test")

    def test_keeps_every_expert_of_a_row(self) -> None:
        refiner = self.make()
        for name, load in hard_loads().items():
            for num_slots, num_gpus in ((EXPERTS, 4), (36, 6), (3 * EXPERTS, 1)):
                slots = dhondt(load[:, ::-1], num_slots).phy2log  # replicas for another load, packed by nobody
                for speed in (np.ones((LAYERS, num_gpus)), _uneven(LAYERS, num_gpus)):
                    given = (load.copy(), slots.copy(), speed.copy())
                    refined = refiner(*given)
                    _check_slots(name, refined, num_slots)
                    assert np.array_equal(refined, refiner(*given)), f"{name}: two calls gave different slots"
                    assert np.array_equal(given[0], load), f"{name}: the load was changed in place"
                    assert np.array_equal(given[1], slots), f"{name}: the slots were changed in place"
                    assert np.array_equal(given[2], speed), f"{name}: the speeds were changed in place"

    def test_experts_of_other_nodes_stay_there(self) -> None:
        refiner = self.make()
        load = hard_loads()["mild"]
        half = dhondt(load[:, : EXPERTS // 2], 18).phy2log
        refined = refiner(load, half, np.ones((LAYERS, 3)))
        for row in range(LAYERS):
            assert np.array_equal(np.unique(refined[row]), np.arange(EXPERTS // 2))


class AlignerConformance:
    """An aligner."""

    def make(self) -> Aligner:
        raise NotImplementedError("make() returns the aligner to test")

    def test_returns_a_placement_of_every_expert(self) -> None:
        aligner = self.make()
        topology = Topology(36, 1, 1, 6)
        for name, load in hard_loads().items():
            slots, previous = dhondt(load, 36).phy2log, dhondt(load[:, ::-1], 36).phy2log[:, ::-1].copy()
            given = (load.copy(), slots.copy(), previous.copy())
            aligned = aligner(given[0], given[1], topology, given[2])
            _check_slots(name, aligned, 36)
            assert np.array_equal(aligned, aligner(given[0], given[1], topology, given[2])), f"{name}: not repeated"
            for before, after in zip((load, slots, previous), given, strict=True):
                assert np.array_equal(before, after), f"{name}: the input was changed in place"


class DispatcherConformance:
    """A dispatcher."""

    def make(self) -> Dispatcher:
        raise NotImplementedError("make() returns the dispatcher to test")

    def test_shares_out_all_tokens(self) -> None:
        dispatcher = self.make()
        for name, load in hard_loads().items():
            slots = dhondt(load[:, ::-1], 36).phy2log
            placement = check_placement(slots, EXPERTS, Topology(36, 1, 1, 6))
            given = load.copy()
            shares = dispatcher(given, placement)
            check_shares(shares, load, placement)
            assert np.array_equal(shares, dispatcher(given, placement)), f"{name}: two calls gave different shares"
            assert np.array_equal(given, load), f"{name}: the load was changed in place"


class ReactiveConformance:
    """A balancer within the step."""

    def make(self) -> Reactive:
        raise NotImplementedError("make() returns the reactive stage to test")

    def test_places_a_step_and_leaves_every_expert_at_home(self) -> None:
        reactive = self.make()
        for name, load in hard_loads().items():
            placement = check_placement(dhondt(load[:, ::-1], 36).phy2log, EXPERTS, Topology(36, 1, 1, 6))
            given = load.copy()
            checked = check_reaction(reactive(given, placement), load, placement)
            again = check_reaction(reactive(given, placement), load, placement)
            assert np.array_equal(checked.phy2log, again.phy2log), f"{name}: two calls fetched different experts"
            np.testing.assert_array_equal(checked.share, again.share, f"{name}: two calls gave different shares")
            assert np.array_equal(given, load), f"{name}: the load was changed in place"


def _check_slots(name: str, slots: Any, num_slots: int) -> None:
    try:
        check_placement(slots, EXPERTS, Topology(num_slots, 1, 1, 1))
    except EplbError as error:
        raise AssertionError(f"{name}: {error}") from None


class ForecasterConformance:
    """A forecaster."""

    def make(self) -> Forecaster:
        raise NotImplementedError("make() returns the forecaster to test")

    def test_forecasts_a_load(self) -> None:
        forecaster = self.make()
        loads = hard_loads()
        history = np.stack([loads["mild"], loads["heavy skew"], loads["zero rows"]])
        for windows in (1, 2, 3):
            given = history[:windows].copy()
            forecast: Any = forecaster(given)
            assert forecast.shape == (LAYERS, EXPERTS)
            assert np.isfinite(forecast).all()
            assert (forecast >= 0).all()
            assert np.array_equal(given, history[:windows]), "the history was changed in place"
            assert np.array_equal(forecast, forecaster(given)), "two calls gave different forecasts"

    def test_a_load_that_does_not_change_is_expected_again(self) -> None:
        load = hard_loads()["mild"]
        forecast = self.make()(np.stack([load] * 4))
        np.testing.assert_allclose(forecast, load, rtol=1e-12)
