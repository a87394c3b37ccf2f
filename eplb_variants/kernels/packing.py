"""The packers, compiled: a tree of packs by load, then swaps between the heaviest and the lightest.

Shapes: N rows, M items, K packs, C = M / K items a pack.
"""

from __future__ import annotations

import numpy as np

from eplb_variants.contracts import Packing
from eplb_variants.errors import EplbError
from eplb_variants.kernels.compiled import kernel, ready
from eplb_variants.kernels.order import heaviest_first
from eplb_variants.kernels.refine import refine
from eplb_variants.kernels.tree import build, new_tree, runner_up, update
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.packing.diverse import SMALLEST_MEAN, Diverse
from eplb_variants.packing.greedy import Greedy

BLIND = -1.0
"""In the place of the width of a near-tie: a packer that does not look at labels."""


def greedy(stage: Greedy, weights: FloatArray, labels: IntArray, num_packs: int) -> Packing:
    """Answer as ``Greedy`` does."""
    return _pack(weights, None, num_packs, stage.refine_steps, BLIND, 0.0)


def diverse(stage: Diverse, weights: FloatArray, labels: IntArray, num_packs: int) -> Packing:
    """Answer as ``Diverse`` does."""
    return _pack(weights, labels, num_packs, stage.refine_steps, stage.tie_eps, stage.label_penalty)


def _pack(
    weights: FloatArray, labels: IntArray | None, num_packs: int, steps: int, tie_eps: float, penalty: float
) -> Packing:
    num_rows, num_items = weights.shape
    if num_packs < 1 or num_items % num_packs:
        raise EplbError(f"{num_items} items do not divide into {num_packs} packs")
    weights_NM = ready(weights)
    order_NM = heaviest_first(weights_NM)
    labels_NM = order_NM if labels is None else ready(labels, np.int64)
    index_NM, rank_NM = (np.empty((num_rows, num_items), dtype=np.int64) for _ in range(2))
    room = (*new_tree(num_packs), *new_room(num_items, num_packs))
    _pack_rows(weights_NM, labels_NM, order_NM, steps, tie_eps, penalty, index_NM, rank_NM, *room)
    return Packing(index_NM, rank_NM)


def new_room(num_items: int, num_packs: int) -> tuple[FloatArray, IntArray]:
    """Return what ``pack`` needs to work in beside a tree: ``[K]`` numbers and some integers."""
    return np.empty(num_packs), np.empty(num_packs + 4 * num_items + 2 * num_packs, dtype=np.int64)


@kernel("void(float64[::1], int64[::1], int64[::1], int64[::1], int64[::1], float64[::1], int64[::1], int64[::1])")
def _fill(
    weights_M: FloatArray,
    order_M: IntArray,
    index_M: IntArray,
    rank_M: IntArray,
    held_K: IntArray,
    load: FloatArray,
    key: IntArray,
    winner: IntArray,
) -> None:
    """Heaviest item first, each into the lightest open pack; the tree holds the loads of open packs."""
    size, capacity = key.size // 2, weights_M.size // held_K.size
    for item in order_M:
        pack = winner[1]
        held = held_K[pack]
        index_M[item], rank_M[item] = pack, held
        held_K[pack] = held + 1
        load[size + pack] = np.inf if held + 1 == capacity else load[1] + weights_M[item]
        update(key, winner, pack)


@kernel("int64(int64[::1], int64, int64, int64)")
def _same(label_M: IntArray, first: int, count: int, label: int) -> int:
    """Return how many of ``count`` labels from ``first`` on are this one."""
    same = 0
    for place in range(first, first + count):
        same += label_M[place] == label
    return same


@kernel("int64(int64, int64)")
def _first_leaf(node: int, size: int) -> int:
    """Return the leftmost leaf below a node."""
    while node < size:
        node <<= 1
    return node


@kernel(
    "int64(int64, float64, float64, int64[::1], int64[::1], int64, float64[::1], int64[::1], int64[::1], int64[::1])"
)
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
        if load[node] > least or (load[node] == least and _first_leaf(node, size) - size > best):
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


@kernel(
    "void(float64[::1], int64[::1], int64[::1], float64, float64, int64[::1], int64[::1], int64[::1], int64[::1], "
    "int64[::1], float64[::1], int64[::1], int64[::1])"
)
def _fill_diverse(
    weights_M: FloatArray,
    labels_M: IntArray,
    order_M: IntArray,
    eps: float,
    unit: float,
    index_M: IntArray,
    rank_M: IntArray,
    held_K: IntArray,
    label_M: IntArray,
    stack: IntArray,
    load: FloatArray,
    key: IntArray,
    winner: IntArray,
) -> None:
    """Fill, but near-ties cost more for each item of the same label; ``label [M]`` is room for those in the packs."""
    size, capacity = key.size // 2, weights_M.size // held_K.size
    for item in order_M:
        label = labels_M[item]
        pack = _cheapest(label, eps, unit, label_M, held_K, capacity, load, key, winner, stack)
        held = held_K[pack]
        index_M[item], rank_M[item], label_M[pack * capacity + held] = pack, held, label
        held_K[pack] = held + 1
        load[size + pack] = np.inf if held + 1 == capacity else load[size + pack] + weights_M[item]
        update(key, winner, pack)


@kernel("float64(float64[::1])")
def _mean_weight(weights_M: FloatArray) -> float:
    """Return the mean of a row, added up from the left, and never zero."""
    total = 0.0
    for weight in weights_M:
        total += weight
    return max(total / weights_M.size, SMALLEST_MEAN)


@kernel(
    "void(float64[::1], int64[::1], int64[::1], int64, float64, float64, int64[::1], int64[::1], "
    "float64[::1], int64[::1], int64[::1], float64[::1], int64[::1])"
)
def pack(
    weights_M: FloatArray,
    labels_M: IntArray,
    order_M: IntArray,
    steps: int,
    tie_eps: float,
    penalty: float,
    index_M: IntArray,
    rank_M: IntArray,
    load: FloatArray,
    key: IntArray,
    winner: IntArray,
    load_K: FloatArray,
    room: IntArray,
) -> None:
    """Pack one row whose order is known; ``new_tree`` and ``new_room`` make what it works in."""
    num_items, num_packs = weights_M.size, load_K.size
    if num_items == num_packs:
        for item in range(num_items):
            index_M[item], rank_M[item] = item, 0
        return
    size = key.size // 2
    held_K = room[:num_packs]
    held_K[:] = 0
    load[size : size + num_packs] = 0.0
    load[size + num_packs :] = np.inf
    build(key, winner)
    if tie_eps == BLIND:
        _fill(weights_M, order_M, index_M, rank_M, held_K, load, key, winner)
    else:
        mean = _mean_weight(weights_M)
        label_M, stack = room[num_packs : num_packs + num_items], room[num_packs + num_items :]
        width, unit = mean * tie_eps, penalty * mean
        _fill_diverse(
            weights_M, labels_M, order_M, width, unit, index_M, rank_M, held_K, label_M, stack, load, key, winner
        )
    if num_packs > 1:
        refine(weights_M, steps, index_M, rank_M, load_K, room)


@kernel(
    "void(float64[:, ::1], int64[:, ::1], int64[:, ::1], int64, float64, float64, int64[:, ::1], int64[:, ::1], "
    "float64[::1], int64[::1], int64[::1], float64[::1], int64[::1])"
)
def _pack_rows(
    weights_NM: FloatArray,
    labels_NM: IntArray,
    order_NM: IntArray,
    steps: int,
    tie_eps: float,
    penalty: float,
    index_NM: IntArray,
    rank_NM: IntArray,
    load: FloatArray,
    key: IntArray,
    winner: IntArray,
    load_K: FloatArray,
    room: IntArray,
) -> None:
    for row in range(weights_NM.shape[0]):
        of_row = (weights_NM[row], labels_NM[row], order_NM[row])
        pack(*of_row, steps, tie_eps, penalty, index_NM[row], rank_NM[row], load, key, winner, load_K, room)
