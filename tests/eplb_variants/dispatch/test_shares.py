"""Splits that an engine can do in a step: local sweeps, whole tokens, shares of another load."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import EplbError, Topology, check_placement, load_variant
from eplb_variants.checks import check_shares
from eplb_variants.dispatch.even import even
from eplb_variants.dispatch.flow import flow
from eplb_variants.dispatch.late import Late
from eplb_variants.dispatch.planned import Planned
from eplb_variants.dispatch.rounded import Rounded
from eplb_variants.dispatch.sweeps import Sweeps, water_level
from eplb_variants.kernels import accelerate

TOPOLOGY = Topology(36, 4, 2, 6)
DRAW = np.random.default_rng(3)
PLAN = DRAW.gamma(0.7, size=(4, 32)) * 400
LOAD = np.floor(PLAN * np.exp(0.3 * DRAW.standard_normal(PLAN.shape)))
PLACEMENT = load_variant("lab_flex").place(PLAN, TOPOLOGY)


def peaks(share_LP, load_LE=LOAD, placement=PLACEMENT):
    """Return the load of each layer's fullest GPU."""
    slots_LP = np.take_along_axis(load_LE, placement.phy2log, axis=1) * share_LP
    return slots_LP.reshape(len(slots_LP), placement.topology.num_gpus, -1).sum(axis=2).max(axis=1)


@pytest.mark.parametrize(
    ("others", "poured", "level"), [([5.0, 1.0], 2.0, 3.0), ([5.0, 1.0], 6.0, 6.0), ([2.0, 2.0, 9.0], 3.0, 3.5)]
)
def test_water_fills_what_is_lowest(others, poured, level):
    assert water_level(others, poured) == level


def test_one_expert_on_two_gpus_is_levelled_by_one_sweep():
    """GPUs with 8 and 2 of their own, and 4 to share: all 4 go to the second."""
    placement = check_placement([[0, 1, 2, 1]], 3, Topology(4, 1, 1, 2))
    load = np.array([[8.0, 4.0, 2.0]])
    np.testing.assert_allclose(Sweeps(1)(load, placement), [[1.0, 0.0, 1.0, 1.0]])


def test_sweeps_come_nearer_to_the_exact_split_the_more_there_are_and_never_pass_it():
    found = [peaks(Sweeps(number)(LOAD, PLACEMENT)) for number in (1, 2, 4, 16, 400)]
    exact, shared = peaks(flow(LOAD, PLACEMENT)), peaks(even(LOAD, PLACEMENT))
    for fewer, more in zip([shared, *found], found, strict=False):
        assert (more <= fewer * (1 + 1e-12)).all()
    assert (found[-1] >= exact * (1 - 1e-12)).all()
    np.testing.assert_allclose(found[-1], exact, rtol=0.02)


def test_the_kernel_of_sweeps_answers_as_the_readable_one_on_random_graphs():
    draw = np.random.default_rng(5)
    for _ in range(60):
        num_gpus, num_experts = int(draw.integers(1, 7)), int(draw.integers(1, 12))
        num_slots = -(-(num_experts + int(draw.integers(0, 12))) // num_gpus) * num_gpus
        rest = draw.integers(0, num_experts, num_slots - num_experts)
        slots = draw.permutation(np.concatenate([np.arange(num_experts), rest]))
        placement = check_placement(slots[None], num_experts, Topology(num_slots, 1, 1, num_gpus))
        load = np.floor(draw.gamma(0.5, size=(1, num_experts)) * 50)
        for stage in (Sweeps(1), Sweeps(5)):
            share = stage(load, placement)
            check_shares(share, load, placement)
            np.testing.assert_array_equal(accelerate(stage)(load, placement), share)


@pytest.mark.parametrize("stage", [Rounded(), Rounded(sources=7), Rounded(drawn=True), Rounded(by="even", sources=3)])
def test_rounded_shares_are_whole_tokens_of_each_expert(stage):
    share = stage(LOAD, PLACEMENT)
    check_shares(share, LOAD, PLACEMENT)
    tokens = np.take_along_axis(LOAD, PLACEMENT.phy2log, axis=1) * share
    np.testing.assert_allclose(tokens, np.rint(tokens), atol=1e-7)


def test_one_source_rounds_each_slot_by_less_than_a_token():
    exact, rounded = (
        np.take_along_axis(LOAD, PLACEMENT.phy2log, axis=1) * share
        for share in (flow(LOAD, PLACEMENT), Rounded()(LOAD, PLACEMENT))
    )
    assert abs(exact - rounded).max() < 1


def test_sources_that_round_do_not_all_favour_one_slot():
    """32 sources with one token each of an expert on two GPUs: half of them go to either."""
    placement = check_placement([[0, 0]], 1, Topology(2, 1, 1, 2))
    np.testing.assert_array_equal(Rounded("even", sources=32)(np.array([[32.0]]), placement), [[0.5, 0.5]])


def test_drawn_tokens_follow_the_shares():
    """Of 40,000 tokens of an expert on three GPUs, each gets its third within five standard errors."""
    placement = check_placement([[0, 0, 0]], 1, Topology(3, 1, 1, 3))
    share = Rounded("even", drawn=True)(np.array([[40000.0]]), placement)
    assert abs(share - 1 / 3).max() < 5 * np.sqrt(2 / 9 / 40000)
    assert not np.array_equal(share, Rounded("even", drawn=True, seed=1)(np.array([[40000.0]]), placement))


def test_planned_shares_are_what_the_placement_carries():
    variant = load_variant({**load_variant("lab_flex").config, "dispatcher": "planned"})
    placement = variant.place(PLAN, TOPOLOGY)
    np.testing.assert_array_equal(placement.share, flow(variant.forecaster(PLAN[None]), placement))
    np.testing.assert_array_equal(variant.dispatch(LOAD, placement), placement.share)
    np.testing.assert_array_equal(Planned()(LOAD, PLACEMENT), even(LOAD, PLACEMENT))  # nothing was planned
    assert PLACEMENT.share is None


def test_a_strangers_dispatcher_behind_one_of_ours_is_checked_and_makes_the_variant_unproven(monkeypatch):
    deepseek = load_variant("deepseek").config
    assert load_variant({**deepseek, "dispatcher": "late"}).is_proven
    monkeypatch.setattr(Late, "finder", property(lambda stage: lambda load, placement: even(load, placement) * 2))
    variant = load_variant({**deepseek, "dispatcher": "late"})
    assert not variant.is_proven
    with pytest.raises(EplbError, match="do not add up to 1"):
        variant.dispatch(LOAD, PLACEMENT)


def test_late_shares_are_those_of_the_load_that_it_is_handed():
    assert load_variant({**load_variant("deepseek").config, "dispatcher": "late"}).dispatches_late
    np.testing.assert_array_equal(Late()(PLAN, PLACEMENT), flow(PLAN, PLACEMENT))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"name": "sweeps", "sweeps": 0}, "sweeps is 0: it must be 1 or more"),
        ({"name": "rounded", "sources": 0}, "sources is 0: it must be 1 or more"),
        ({"name": "rounded", "by": "flows"}, "no dispatcher 'flows': did you mean 'flow'"),
    ],
)
def test_a_dispatcher_that_cannot_be_is_a_sentence(config, words):
    with pytest.raises(EplbError, match=words):
        load_variant({**load_variant("deepseek").config, "dispatcher": config}).dispatch(LOAD, PLACEMENT)
