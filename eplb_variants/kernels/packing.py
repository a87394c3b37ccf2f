"""The packers, compiled: a tree of packs by load, then swaps between the heaviest and the lightest.

Shapes: N rows, M items, K packs, C = M / K items a pack.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import float64, int64, void

from eplb_variants.contracts import Packing
from eplb_variants.errors import EplbError
from eplb_variants.kernels import compiles
from eplb_variants.kernels.compiled import FLOAT_ROWS, FLOATS, INT_ROWS, INTS, kernel, named, ready
from eplb_variants.kernels.order import heaviest_first
from eplb_variants.kernels.refine import SWAP_ROOM, SwapRoom, new_swap_room, refine
from eplb_variants.kernels.tree import TREE, Tree, build, new_tree, runner_up, update
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.packing.diverse import SMALLEST_MEAN, Diverse
from eplb_variants.packing.exact import Exact, lightest_of_all
from eplb_variants.packing.greedy import Greedy

BLIND = -1.0
"""In the place of the width of a near-tie: a packer that does not look at labels."""
DEPTH = 64
"""Nodes of a tree that wait on the way through it, at most: one a level, and two at the lowest."""


class PackRule(NamedTuple):
    """A packer's part in the pipeline, and how a row is packed: heaviest first to the lightest pack, then swaps."""

    steps: int
    """Swaps tried, 0 or more."""
    tie_eps: float = BLIND
    """Width of a near-tie, in mean weights; ``BLIND`` where labels are not looked at."""
    penalty: float = 0.0
    """Cost of an item of the same label in a near-tie, in mean weights."""


class PackRoom(NamedTuple):
    """What a row is packed in."""

    tree: Tree
    """Packs by load, infinite where full."""
    held_K: IntArray
    """Items in each pack."""
    label_M: IntArray
    """Labels of the items in the packs, pack by pack."""
    stack: IntArray
    """Nodes of the tree that wait to be looked at."""
    swap: SwapRoom
    """For the swaps."""


PACK_RULE = named(PackRule, int64, float64, float64)
PACK_ROOM = named(PackRoom, TREE, INTS, INTS, INTS, SWAP_ROOM)
PACKING = named(Packing, INT_ROWS, INT_ROWS)


@kernel(PACK_ROOM(int64, int64))
def new_pack_room(num_items: int, num_packs: int) -> PackRoom:
    """Return room for rows of that many items and packs."""
    held_K, label_M, stack = np.empty(num_packs, np.int64), np.empty(num_items, np.int64), np.empty(DEPTH, np.int64)
    return PackRoom(new_tree(num_packs), held_K, label_M, stack, new_swap_room(num_items, num_packs))


def greedy_rule(stage: Greedy, *_: int) -> PackRule:
    """Return the rule of ``Greedy``."""
    return PackRule(stage.refine_steps)


def diverse_rule(stage: Diverse, *_: int) -> PackRule:
    """Return the rule of ``Diverse``."""
    return PackRule(stage.refine_steps, float(stage.tie_eps), float(stage.label_penalty))


@compiles(Greedy, fused=greedy_rule)
def greedy(stage: Greedy, weights: FloatArray, labels: IntArray, num_packs: int) -> Packing:
    """Answer as ``Greedy`` does."""
    return _pack(greedy_rule(stage), weights, None, num_packs)


@compiles(Diverse, fused=diverse_rule)
def diverse(stage: Diverse, weights: FloatArray, labels: IntArray, num_packs: int) -> Packing:
    """Answer as ``Diverse`` does."""
    return _pack(diverse_rule(stage), weights, labels, num_packs)


_lightest_of_all = kernel(void(FLOATS, INTS, INTS, int64))(lightest_of_all)


@compiles(Exact)
def exact(stage: Exact, weights: FloatArray, labels: IntArray, num_packs: int) -> Packing:
    """Answer as ``Exact`` does."""
    return stage.packed_by(_lightest_of_all, ready(weights), num_packs)


def _pack(rule: PackRule, weights: FloatArray, labels: IntArray | None, num_packs: int) -> Packing:
    num_rows, num_items = weights.shape
    if num_packs < 1 or num_items % num_packs:
        raise EplbError(f"{num_items} items do not divide into {num_packs} packs")
    weights_NM = ready(weights)
    order_NM = heaviest_first(weights_NM)
    labels_NM = order_NM if labels is None else ready(labels, np.int64)
    made = Packing(*(np.empty((num_rows, num_items), dtype=np.int64) for _ in range(2)))
    _pack_rows(weights_NM, labels_NM, order_NM, rule, made, num_packs)
    return made


@kernel(void(FLOATS, INTS, INTS, INTS, INTS, TREE))
def _fill(
    weights_M: FloatArray, order_M: IntArray, index_M: IntArray, rank_M: IntArray, held_K: IntArray, tree: Tree
) -> None:
    """Heaviest item first, each into the lightest open pack; the tree holds the loads of open packs."""
    load, key, winner = tree
    size, capacity = key.size // 2, weights_M.size // held_K.size
    for item in order_M:
        pack = winner[1]
        held = held_K[pack]
        index_M[item], rank_M[item] = pack, held
        held_K[pack] = held + 1
        load[size + pack] = np.inf if held + 1 == capacity else load[1] + weights_M[item]
        update(key, winner, pack)


@kernel(int64(INTS, int64, int64, int64))
def _same(label_M: IntArray, first: int, count: int, label: int) -> int:
    """Return how many of ``count`` labels from ``first`` on are this one."""
    same = 0
    for place in range(first, first + count):
        same += label_M[place] == label
    return same


@kernel(int64(int64, int64))
def _first_leaf(node: int, size: int) -> int:
    """Return the leftmost leaf below a node."""
    while node < size:
        node <<= 1
    return node


@kernel(int64(int64, float64, float64, INTS, INTS, int64, FLOATS, INTS, INTS, INTS))
def _cheapest(
    label: int,
    eps: float,
    unit: float,
    label_M: IntArray,
    held_K: IntArray,
    capacity: int,
    load: FloatArray,
    key: IntArray,
    winner: IntArray,
    stack: IntArray,
) -> int:
    """Return the open pack of least cost, the lower one on a tie: near-ties cost more for each equal label."""
    size, lightest, best = key.size // 2, load[1], winner[1]
    runner_up(key, winner)
    if load[0] > lightest + unit * capacity:
        return best
    least = lightest + unit * _same(label_M, best * capacity, held_K[best], label)
    if least == lightest:  # nothing costs less, and all before it are heavier
        return best
    depth, stack[0] = 1, 1
    while depth > 0:  # from left to right; a branch with nothing cheaper, nor as cheap and before, is left out
        depth -= 1
        node = stack[depth]
        full = load[node] == np.inf
        if full or load[node] > least or (load[node] == least and _first_leaf(node, size) - size > best):
            continue
        if node < size:
            stack[depth], stack[depth + 1] = 2 * node + 1, 2 * node
            depth += 2
            continue
        pack, cost = node - size, load[node]
        if cost - lightest <= eps:
            cost += unit * _same(label_M, pack * capacity, held_K[pack], label)
        if cost < least or (cost == least and pack < best):
            least, best = cost, pack
    return best


@kernel(void(FLOATS, INTS, INTS, float64, float64, INTS, INTS, PACK_ROOM))
def _fill_diverse(
    weights_M: FloatArray,
    labels_M: IntArray,
    order_M: IntArray,
    eps: float,
    unit: float,
    index_M: IntArray,
    rank_M: IntArray,
    room: PackRoom,
) -> None:
    """Fill, but near-ties cost more for each item of the same label."""
    (load, key, winner), held_K, label_M, stack, _ = room
    size, capacity = key.size // 2, weights_M.size // held_K.size
    for item in order_M:
        label = labels_M[item]
        pack = _cheapest(label, eps, unit, label_M, held_K, capacity, load, key, winner, stack)
        held = held_K[pack]
        index_M[item], rank_M[item], label_M[pack * capacity + held] = pack, held, label
        held_K[pack] = held + 1
        load[size + pack] = np.inf if held + 1 == capacity else load[size + pack] + weights_M[item]
        update(key, winner, pack)


@kernel(float64(FLOATS))
def _mean_weight(weights_M: FloatArray) -> float:
    """Return the mean of a row, added up from the left, and never zero."""
    total = 0.0
    for weight in weights_M:
        total += weight
    return max(total / weights_M.size, SMALLEST_MEAN)


@kernel(void(FLOATS, INTS, INTS, PACK_RULE, INTS, INTS, PACK_ROOM))
def pack(
    weights_M: FloatArray,
    labels_M: IntArray,
    order_M: IntArray,
    rule: PackRule,
    index_M: IntArray,
    rank_M: IntArray,
    room: PackRoom,
) -> None:
    """Pack one row whose order is known."""
    (load, key, winner), held_K = room.tree, room.held_K
    num_items, num_packs = weights_M.size, held_K.size
    if num_items == num_packs:
        for item in range(num_items):
            index_M[item], rank_M[item] = item, 0
        return
    size = key.size // 2
    held_K[:] = 0
    load[size : size + num_packs] = 0.0
    load[size + num_packs :] = np.inf
    build(key, winner)
    if rule.tie_eps == BLIND:
        _fill(weights_M, order_M, index_M, rank_M, held_K, room.tree)
    else:
        mean = _mean_weight(weights_M)
        _fill_diverse(weights_M, labels_M, order_M, mean * rule.tie_eps, rule.penalty * mean, index_M, rank_M, room)
    if rule.steps > 0 and num_packs > 1:
        refine(weights_M, rule.steps, index_M, rank_M, room.swap)


@kernel(void(FLOAT_ROWS, INT_ROWS, INT_ROWS, PACK_RULE, PACKING, int64))
def _pack_rows(
    weights_NM: FloatArray, labels_NM: IntArray, order_NM: IntArray, rule: PackRule, made: Packing, num_packs: int
) -> None:
    room = new_pack_room(weights_NM.shape[1], num_packs)
    for row in range(weights_NM.shape[0]):
        index_M, rank_M = made.pack_index[row], made.rank_in_pack[row]
        pack(weights_NM[row], labels_NM[row], order_NM[row], rule, index_M, rank_M, room)
