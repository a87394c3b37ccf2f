"""New placements are named so that the fewest weights move, and a budget goes to the layers that gain most a move."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from eplb_variants import EplbError, Topology, check_placement, load_variant
from eplb_variants.aligning.fewest_moves import fewest_moves
from eplb_variants.aligning.pooled import Pooled, moves, peaks
from eplb_variants.placement import groups_stay_together
from evaluator.quality import metrics

LOAD = np.random.default_rng(5).lognormal(sigma=1.0, size=(12, 32)) * 100
LATER = np.random.default_rng(6).lognormal(sigma=1.0, size=LOAD.shape) * 100
TOPOLOGY = Topology(48, 8, 4, 8)


def placed(load, topology=TOPOLOGY):
    return load_variant("deepseek").place(load[None], topology).phy2log


@pytest.mark.parametrize("topology", [Topology(12, 1, 1, 4), Topology(12, 4, 2, 4), Topology(12, 2, 2, 2)])
def test_no_names_keep_more_where_they_are(topology):
    """By trying all orders of nodes, and of the GPUs of each."""
    draw, nodes, per_node = np.random.default_rng(1), topology.num_nodes, topology.gpus_per_node
    orders = [
        [node * per_node + gpu for node, inner in zip(outer, inners, strict=True) for gpu in inner]
        for outer in itertools.permutations(range(nodes))
        for inners in itertools.product(itertools.permutations(range(per_node)), repeat=nodes)
    ]
    for _ in range(10):
        new, old = (draw.permutation(np.arange(12) % 8)[None] for _ in range(2))
        packs = new.reshape(1, topology.num_gpus, -1)
        fewest = min(moves(packs[:, order].reshape(1, -1), old, topology.num_gpus)[0] for order in orders)
        made = fewest_moves(np.ones((1, 8)), new, topology, old)
        assert moves(made, old, topology.num_gpus)[0] == fewest
        assert sorted(map(sorted, made.reshape(packs.shape)[0])) == sorted(map(sorted, packs[0])), "the packs stay"


def test_what_stays_on_a_gpu_keeps_its_slot():
    old, new = np.array([[5, 1, 2, 3, 4, 0]]), np.array([[0, 3, 4, 2, 1, 6]])
    made = fewest_moves(np.ones((1, 7)), new, Topology(6, 1, 1, 2), old)
    np.testing.assert_array_equal(made, [[6, 1, 2, 3, 4, 0]])


def test_groups_go_with_their_nodes():
    slots = fewest_moves(LATER, placed(LATER), TOPOLOGY, placed(LOAD))
    assert groups_stay_together(check_placement(slots, 32, TOPOLOGY), 8)
    assert moves(slots, placed(LOAD), 8).sum() < moves(placed(LATER), placed(LOAD), 8).sum()


def test_moves_are_those_of_the_metric():
    one, other = (check_placement(placed(load), 32, TOPOLOGY) for load in (LOAD, LATER))
    share = metrics.moved_slots(one, other, np.ones(12, dtype=bool))
    assert moves(other.phy2log, one.phy2log, 8).sum() / other.phy2log.size == pytest.approx(share)


@pytest.mark.parametrize("max_moves", [0.0, 0.05, 0.1, 0.3, 1.0])
def test_a_budget_is_for_all_layers(max_moves):
    """Within it, layers are placed anew where a group has become too heavy for its node."""
    before = placed(LOAD)
    made = Pooled(max_moves)(LATER, placed(LATER), TOPOLOGY, before)
    assert moves(made, before, 8).sum() <= max_moves * made.size + 1e-9
    assert (peaks(LATER, made, TOPOLOGY) <= peaks(LATER, before, TOPOLOGY) * (1 + 1e-9)).all()
    assert groups_stay_together(check_placement(made, 32, TOPOLOGY), 8)
    bounded = Pooled(max_moves).bounded(LATER, placed(LATER), TOPOLOGY, before)
    better = peaks(LATER, bounded, TOPOLOGY).sum() - peaks(LATER, made, TOPOLOGY).sum()
    assert better >= 0
    if max_moves >= 0.3:
        assert better > 0.1 * peaks(LATER, bounded, TOPOLOGY).sum()


def test_the_layers_that_gain_most_a_move_come_first():
    """Two layers want the same new placement, of eight slots in two GPUs; the budget has room for one."""
    topology = Topology(8, 2, 2, 2)
    before = np.array([[0, 1, 2, 3, 4, 5, 6, 7]] * 2)
    new = np.array([[0, 1, 4, 5, 2, 3, 6, 7]] * 2)
    load = np.array([[5.0, 5, 5, 5, 1, 1, 1, 1], [9.0, 9, 9, 9, 1, 1, 1, 1]])
    made = Pooled(0.25).chosen(lambda load, slots, topology, previous: previous, load, new, topology, before)
    np.testing.assert_array_equal(made[0], before[0])
    assert sorted(made[1, :4]) in ([0, 1, 4, 5], [2, 3, 6, 7])


def test_a_price_leaves_layers_alone():
    before = placed(LOAD)
    made = Pooled(1.0, price=10.0, price_anew=10.0)(LATER, placed(LATER), TOPOLOGY, before)
    np.testing.assert_array_equal(made, before)


@pytest.mark.parametrize("wrong", [{"max_moves": 1.1}, {"price": -1.0}, {"price_anew": -0.1}])
def test_what_cannot_be_is_an_error(wrong):
    with pytest.raises(EplbError, match="price"):
        Pooled(**wrong)
