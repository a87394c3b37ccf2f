"""Balancers within the step: what they fetch, how they split, and what they leave at home."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eplb_variants import EplbError, Topology, check_placement, load_variant
from eplb_variants.checks import check_reaction
from eplb_variants.dispatch.flow import flow
from eplb_variants.kernels import accelerate
from eplb_variants.reacting.at_home import at_home
from eplb_variants.reacting.llep import LLEP
from eplb_variants.reacting.moonep import MoonEP
from eplb_variants.reacting.ultraep import UltraEP
from eplb_variants.registry import build
from evaluator.quality import metrics

ALL = [UltraEP(least=0), UltraEP(least=0, within=1e-6), MoonEP(), LLEP(least=0), LLEP(least=0, alpha=1, threshold=1)]


def by_gpu(load_LE, step):
    """Return tokens ``[L, G]``."""
    tokens_LP = np.take_along_axis(load_LE, step.phy2log, axis=1) * step.share
    return tokens_LP.reshape(len(tokens_LP), step.topology.num_gpus, -1).sum(axis=2)


def homes(num_experts, num_slots, num_gpus):
    """Return experts at home by number in one layer, all further slots of a GPU free."""
    topology = Topology(num_slots, 1, 1, num_gpus)
    made = at_home(np.zeros((1, num_experts)), topology, None)
    return check_placement(made.phy2log, num_experts, topology, rank=made.rank)


def test_experts_at_home_are_as_many_on_every_gpu_or_one_more():
    np.testing.assert_array_equal(homes(5, 9, 3).phy2log, [[0, 0, 0, 1, 2, 1, 3, 4, 3]])
    np.testing.assert_array_equal(homes(2, 6, 3).phy2log, [[0, 0, 0, 0, 1, 1]])  # the first GPU has none of its own


def test_ultraep_lets_the_fullest_gpu_give_to_the_emptiest():
    """GPUs with 12, 3 and 0: the peak 5 is the mean; the hottest expert gives 5 to the last and 2 to the second."""
    placement = homes(6, 9, 3)
    load = np.array([[10.0, 2.0, 2.0, 1.0, 0.0, 0.0]])
    step = UltraEP(least=0)(load, placement)
    np.testing.assert_allclose(by_gpu(load, step), [[5.0, 5.0, 5.0]])
    np.testing.assert_array_equal(step.phy2log, [[0, 1, 0, 2, 3, 0, 4, 5, 0]])
    np.testing.assert_allclose(step.share[0, [0, 5, 8]], [0.3, 0.2, 0.5])
    assert metrics.fetched(load, placement, step, step.share) == (2.0, 1.0, 0.0)


def test_ultraep_does_not_send_parts_below_the_least():
    """The last GPU may get 5 and the second 2 as above: where 3 are the least, the peak stays higher."""
    placement = homes(6, 9, 3)
    load = np.array([[10.0, 2.0, 2.0, 1.0, 0.0, 0.0]])
    step = UltraEP(least=3, within=1e-6)(load, placement)
    np.testing.assert_allclose(by_gpu(load, step), [[6.0, 3.0, 6.0]], rtol=1e-5)


def test_moonep_gives_each_gpu_the_mean_and_keeps_the_largest_parts():
    """GPUs with 10, 4 and 1 have a mean of 5: the first gives 1 to the second and 4 to the third, by its hottest."""
    load = np.array([[3.0, 7.0, 2.0, 2.0, 1.0, 0.0]])
    step = MoonEP()(load, homes(6, 12, 3))
    np.testing.assert_allclose(by_gpu(load, step), [[5.0, 5.0, 5.0]])
    np.testing.assert_array_equal(step.phy2log[0, [6, 10]], [1, 1])
    tight = np.array([[5.0, 5.0, 5.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]])
    step = MoonEP()(tight, homes(9, 12, 3))  # the last GPU is to get 5 of one expert and 1 of another, and has one slot
    np.testing.assert_allclose(by_gpu(tight, step), [[7.0, 6.0, 5.0]])


def test_moonep_is_perfect_where_free_slots_are_as_many_as_homes():
    draw = np.random.default_rng(4)
    load = draw.lognormal(sigma=1.5, size=(40, 32))
    step = MoonEP()(load, load_variant({"placer": "at_home"}).place(load, Topology(64, 1, 1, 8)))
    loads = by_gpu(load, step)
    np.testing.assert_allclose(loads, np.broadcast_to(loads.mean(axis=1, keepdims=True), loads.shape))


def test_llep_does_nothing_below_its_threshold_and_keeps_its_limit_above_it():
    placement = homes(6, 12, 3)
    even, skewed = np.array([[6.0, 6.0, 5.0, 5.0, 4.0, 4.0]]), np.array([[30.0, 6.0, 5.0, 5.0, 4.0, 4.0]])
    step = LLEP(least=0)(even, placement)
    np.testing.assert_array_equal(step.phy2log, placement.phy2log)
    np.testing.assert_allclose(by_gpu(even, step), [[12.0, 10.0, 8.0]])
    step = LLEP(least=0)(skewed, placement)
    np.testing.assert_allclose(by_gpu(skewed, step).max(), 1.1 * skewed.sum() / 3)


def test_llep_sends_what_is_too_small_for_a_chunk_to_the_least_loaded_gpu_all_the_same():
    """The limit is 22: of 16 tokens above it the emptiest takes 14 in a chunk of 10; the rest is the last chunk."""
    load = np.array([[30.0, 8.0, 6.0, 6.0, 4.0, 6.0]])
    step = LLEP(least=10)(load, homes(6, 12, 3))
    np.testing.assert_allclose(by_gpu(load, step), [[22.0, 16.0, 22.0]])


@pytest.mark.parametrize("stage", ALL, ids=repr)
def test_what_is_decided_keeps_homes_and_free_slots_and_never_beats_the_exact_split(stage):
    """On placements whose copies lie anywhere: the answer is sound, and what it fetched could not be split better."""
    draw = np.random.default_rng(7)
    topology = Topology(36, 4, 2, 6)
    for _ in range(10):
        load = np.floor(draw.lognormal(sigma=1.2, size=(4, 24)) * 300)
        placement = load_variant("deepseek").place(draw.lognormal(size=(4, 24)), topology)
        step = check_reaction(accelerate(stage)(load, placement), load, placement)
        exact = by_gpu(load, replace(step, share=flow(load, step)))
        assert (by_gpu(load, step).max(axis=1) >= exact.max(axis=1) * (1 - 1e-9)).all()
        one = build("reactive", {"name": type(stage).__name__.lower(), "free": 1})
        fewer = check_reaction(accelerate(one)(load, placement), load, placement)
        changed = (fewer.phy2log != placement.phy2log).reshape(4, 6, -1).sum(axis=2)
        assert changed.max() <= 1


def test_a_copy_that_is_there_already_is_not_fetched():
    """What the hottest expert gives goes to the GPU that has a copy of it: its slot stays, and nothing is fetched."""
    placement = check_placement([[0, 1, 2, 3, 0, 2]], 4, Topology(6, 1, 1, 2))
    load = np.array([[9.0, 1.0, 1.0, 1.0]])
    step = UltraEP(least=0, within=1e-6)(load, placement)
    assert metrics.fetched(load, placement, step, step.share).fetched == 0
    np.testing.assert_allclose(by_gpu(load, step), [[6.0, 6.0]])


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"name": "ultraep", "free": -1}, "free is -1: it is a number of slots"),
        ({"name": "ultraep", "within": 0.0}, "within is 0.0: it is a share of the mean load"),
        ({"name": "ultraep", "least": -1.0}, "least is -1.0: it is a number of tokens"),
        ({"name": "moonep", "expert_mib": 0.0}, "expert_mib is 0.0: an expert's weights take more than 0 MiB"),
        ({"name": "llep", "alpha": 0.9}, "alpha is 0.9: it is a multiple of the mean load, 1 or more"),
        ({"name": "llep", "threshold": float("nan")}, "threshold is nan"),
        ({"name": "llep", "least": -2.0}, "least is -2.0"),
    ],
)
def test_a_setting_that_cannot_be_is_a_sentence(config, words):
    with pytest.raises(EplbError, match=words):
        build("reactive", config)


def test_a_variant_splits_tokens_in_one_way():
    with pytest.raises(EplbError, match="a dispatcher or a reactive stage"):
        load_variant({"placer": "at_home", "reactive": "llep", "dispatcher": "flow"})


def test_what_a_strangers_balancer_returns_is_checked():
    placement, load = homes(4, 6, 2), np.ones((1, 4))
    good = UltraEP()(load, placement)
    for wrong, words in (
        (replace(good, share=None), "a placement without shares"),
        (replace(good, share=good.share * 0.5), "do not add up to 1"),
        (check_placement([[1, 0, 0, 2, 3, 2]], 4, placement.topology), "expert 0 of layer 0 is not at home in slot 0"),
        (good.phy2log, "it returned a ndarray: it must return a Placement"),
    ):
        with pytest.raises(EplbError, match=words):
            check_reaction(wrong, load, placement)
