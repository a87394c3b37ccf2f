"""What the engines answer, by their own code: DeepSeek's placements, and a snake deal that is a little worse."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from eplb_variants import Topology, check_placement, load_variant
from eplb_variants.hard_loads import HIERARCHICAL, hard_loads
from eplb_variants.installed.loading import TESTED, why_missing
from eplb_variants.placement import Placement, groups_stay_together
from evaluator.quality.metrics import balance

pytestmark = pytest.mark.engines


def installed(*names):
    """Return the names, those of a missing engine to be skipped with the command that installs it."""
    why = {name: why_missing(name.partition("_")[0]) for name in names}
    return [pytest.param(name, marks=pytest.mark.skipif(bool(why[name]), reason=why[name])) for name in names]


DEEPSEEKS = installed("sglang_deepseek", "sglang_elasticity_aware", "vllm_default")
ALL = [*DEEPSEEKS, *installed("sglang_deepseek_vec")]
SNAKE = 0.03
"""How much balancedness a snake deal may lose against DeepSeek's packing: on these loads it loses 0 to 0.021."""
TOPOLOGIES = {
    "global": Topology(72, 1, 1, 8),
    "hierarchical": Topology(72, 8, 2, 8),
    "groups that nodes do not divide": Topology(72, 8, 3, 9),
    "two slots a GPU": Topology(72, 8, 4, 36),
}


@pytest.fixture(params=TOPOLOGIES.values(), ids=TOPOLOGIES)
def topology(request):
    return request.param


def no_ties(num_layers=16, num_experts=64):
    """Return loads ``[L, E]`` of which no two of a layer are equal, in whole tokens that float32 holds."""
    load = np.random.default_rng(7).lognormal(mean=12, sigma=0.8, size=(num_layers, num_experts)).round()
    assert load.max() < 2**24
    assert all(np.unique(row).size == num_experts for row in load)
    return load


@pytest.mark.parametrize("name", DEEPSEEKS)
def test_deepseeks_algorithm_is_deepseeks_slot_by_slot(name, topology):
    load = no_ties()
    theirs, ours = (load_variant(variant).place(load, topology) for variant in (name, "deepseek"))
    np.testing.assert_array_equal(theirs.logcnt, ours.logcnt)
    np.testing.assert_array_equal(theirs.phy2log, ours.phy2log)
    np.testing.assert_allclose(balance(load, theirs), balance(load, ours), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", DEEPSEEKS)
def test_ties_change_slots_but_neither_counts_nor_balance(name):
    for case, load in hard_loads().items():
        theirs, ours = (load_variant(variant).place(load, HIERARCHICAL) for variant in (name, "deepseek"))
        np.testing.assert_array_equal(theirs.logcnt, ours.logcnt, err_msg=case)
        np.testing.assert_allclose(balance(load, theirs).gpu, balance(load, ours).gpu, rtol=0, atol=1e-9, err_msg=case)


@pytest.mark.parametrize("name", installed("sglang_deepseek_vec"))
def test_the_snake_deal_is_a_little_worse(name, topology):
    load = no_ties()
    theirs, ours = (load_variant(variant).place(load, topology) for variant in (name, "deepseek"))
    np.testing.assert_array_equal(theirs.logcnt, ours.logcnt)
    lost = balance(load, ours).gpu - balance(load, theirs).gpu
    assert -0.001 <= lost <= SNAKE


@pytest.mark.parametrize("name", ALL)
def test_the_engines_own_maps_agree(name, topology):
    """Counts and copies are the engine's; the suite's checks would not see a wrong count, which is made anew."""
    made = load_variant(name).placer(no_ties(), topology, None)
    check_placement(made.phy2log, 64, topology, rank=made.rank, logcnt=made.logcnt)


@pytest.mark.parametrize("name", ALL)
def test_groups_stay_together_where_they_divide_over_the_nodes(name):
    assert groups_stay_together(load_variant(name).place(no_ties(), TOPOLOGIES["hierarchical"]), 8)


@pytest.mark.parametrize("name", ALL)
def test_a_call_leaves_no_engine_behind(name):
    before = {module for module in sys.modules if module.partition(".")[0] in TESTED}
    load_variant(name).place(no_ties(), TOPOLOGIES["global"])
    assert {module for module in sys.modules if module.partition(".")[0] in TESTED} == before


@pytest.mark.parametrize("name", installed("vllm_default"))
def test_an_expert_that_stays_on_its_gpu_keeps_its_slot(name):
    """What vLLM does with the map in place: the same experts on each GPU, in another order."""
    variant, topology, load = load_variant(name), TOPOLOGIES["global"], no_ties()
    fresh = variant.place(load, topology)
    turned = fresh.phy2log.reshape(len(load), topology.num_gpus, -1)[:, :, ::-1].reshape(fresh.phy2log.shape)
    in_place = Placement(turned, fresh.rank, 64, topology)
    np.testing.assert_array_equal(variant.place(load, topology, in_place).phy2log, turned)
    other_gpus = Placement(turned, fresh.rank, 64, Topology(72, 1, 1, 4))
    np.testing.assert_array_equal(variant.place(load, topology, other_gpus).phy2log, fresh.phy2log)
