"""The packers, compiled: a tree of packs by load, then swaps between the heaviest and the lightest.

Shapes: N rows, M items, K packs, C = M / K items a pack.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from eplb_variants.errors import EplbError
from eplb_variants.kernels.order import heaviest_first
from eplb_variants.kernels.tree import build, new_tree, update
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.packing.diverse import SMALLEST_MEAN, Diverse
from eplb_variants.packing.greedy import Greedy
from eplb_variants.packing.lightest import GAIN
from eplb_variants.registry import Packing


def greedy(stage: Greedy, weights: FloatArray, labels: IntArray, num_packs: int) -> Packing:
    """Answer as ``Greedy`` does."""
    return _pack(weights, None, num_packs, stage.refine_steps, 0.0, 0.0)


def diverse(stage: Diverse, weights: FloatArray, labels: IntArray, num_packs: int) -> Packing:
    """Answer as ``Diverse`` does."""
    return _pack(weights, labels, num_packs, stage.refine_steps, stage.tie_eps, stage.label_penalty)


def _pack(
    weights: FloatArray, labels: IntArray | None, num_packs: int, steps: int, tie_eps: float, penalty: float
) -> Packing:
    num_rows, num_items = weights.shape
    if num_packs < 1 or num_items % num_packs:
        raise EplbError(f"{num_items} items do not divide into {num_packs} packs")
    weights_NM = np.ascontiguousarray(weights)
    index_NM, rank_NM = (np.empty((num_rows, num_items), dtype=np.int64) for _ in range(2))
    if num_items == num_packs:
        index_NM[:] = np.arange(num_items)
        rank_NM[:] = 0
        return Packing(index_NM, rank_NM)
    order_NM, tree = heaviest_first(weights_NM), new_tree(num_packs)
    if labels is None:
        _fill(weights_NM, order_NM, num_packs, index_NM, rank_NM, *tree)
    else:
        mean_N = np.maximum(weights_NM.mean(axis=1), SMALLEST_MEAN)
        labels_NM = np.ascontiguousarray(labels, dtype=np.int64)
        near_N = mean_N * tie_eps
        placed = (index_NM, rank_NM)
        _fill_diverse(weights_NM, labels_NM, order_NM, num_packs, near_N, penalty, mean_N, *placed, *tree)
    if steps and num_packs > 1:
        _refine(weights_NM, num_packs, steps, index_NM, rank_NM)
    return Packing(index_NM, rank_NM)


@nb.njit(
    "void(float64[:, ::1], int64[:, ::1], int64, int64[:, ::1], int64[:, ::1], float64[::1], int64[::1])",
    cache=True,
    nogil=True,
)
def _fill(
    weights_NM: FloatArray,
    order_NM: IntArray,
    num_packs: int,
    index_NM: IntArray,
    rank_NM: IntArray,
    value: FloatArray,
    winner: IntArray,
) -> None:
    """Heaviest item first, each into the lightest open pack; the tree holds the loads of open packs."""
    num_rows, num_items = weights_NM.shape
    capacity, size = num_items // num_packs, value.size // 2
    held_K = np.empty(num_packs, dtype=np.int64)
    for row in range(num_rows):
        held_K[:] = 0
        value[size : size + num_packs] = 0.0
        build(value, winner)
        for step in range(num_items):
            item, pack = order_NM[row, step], winner[1]
            load = value[1] + weights_NM[row, item]
            index_NM[row, item], rank_NM[row, item] = pack, held_K[pack]
            held_K[pack] += 1
            update(value, winner, pack, np.inf if held_K[pack] == capacity else load)


@nb.njit(
    "void(float64[:, ::1], int64[:, ::1], int64[:, ::1], int64, float64[::1], float64, float64[::1], "
    "int64[:, ::1], int64[:, ::1], float64[::1], int64[::1])",
    cache=True,
    nogil=True,
)
def _fill_diverse(
    weights_NM: FloatArray,
    labels_NM: IntArray,
    order_NM: IntArray,
    num_packs: int,
    eps_N: FloatArray,
    penalty: float,
    mean_N: FloatArray,
    index_NM: IntArray,
    rank_NM: IntArray,
    value: FloatArray,
    winner: IntArray,
) -> None:
    """Fill, but near-ties cost more for each item of the same label."""
    num_rows, num_items = weights_NM.shape
    capacity, size = num_items // num_packs, value.size // 2
    held_K, stack = np.empty(num_packs, dtype=np.int64), np.empty(2 * size, dtype=np.int64)
    held_labels_KC = np.empty((num_packs, capacity), dtype=np.int64)
    for row in range(num_rows):
        held_K[:] = 0
        value[size : size + num_packs] = 0.0
        build(value, winner)
        unit = penalty * mean_N[row]
        for step in range(num_items):
            item = order_NM[row, step]
            label, lightest = labels_NM[row, item], value[1]
            best_cost, best_pack = np.inf, -1
            depth, stack[0] = 1, 1
            while depth > 0:  # from left to right; a branch that cannot be cheaper than the best is passed over
                depth -= 1
                node = stack[depth]
                if value[node] >= best_cost:
                    continue
                if node < size:
                    stack[depth], stack[depth + 1] = 2 * node + 1, 2 * node
                    depth += 2
                    continue
                pack, cost = node - size, value[node]
                if cost - lightest <= eps_N[row]:
                    same = 0
                    for held in range(held_K[pack]):
                        same += held_labels_KC[pack, held] == label
                    cost = value[node] + unit * same
                if cost < best_cost:
                    best_cost, best_pack = cost, pack
            load = value[size + best_pack] + weights_NM[row, item]
            index_NM[row, item], rank_NM[row, item] = best_pack, held_K[best_pack]
            held_labels_KC[best_pack, held_K[best_pack]] = label
            held_K[best_pack] += 1
            update(value, winner, best_pack, np.inf if held_K[best_pack] == capacity else load)


@nb.njit("void(int64[::1], int64[::1], int64, int64[::1], int64[::1])", cache=True, nogil=True)
def _renumber(index_M: IntArray, rank_M: IntArray, pack: int, order_C: IntArray, old_C: IntArray) -> None:
    """Number the items of a pack from 0, by their old rank, then by item."""
    count = 0
    for item in range(index_M.size):
        if index_M[item] == pack:
            j = count
            while j > 0 and old_C[j - 1] > rank_M[item]:
                old_C[j], order_C[j] = old_C[j - 1], order_C[j - 1]
                j -= 1
            old_C[j], order_C[j] = rank_M[item], item
            count += 1
    for rank in range(count):
        rank_M[order_C[rank]] = rank


@nb.njit("void(float64[:, ::1], int64, int64, int64[:, ::1], int64[:, ::1])", cache=True, nogil=True)
def _refine(weights_NM: FloatArray, num_packs: int, steps: int, index_NM: IntArray, rank_NM: IntArray) -> None:
    num_rows, num_items = weights_NM.shape
    capacity = num_items // num_packs
    load_K = np.empty(num_packs)
    heavy_C, light_C = np.empty(capacity, dtype=np.int64), np.empty(capacity, dtype=np.int64)
    order_C, old_C = np.empty(capacity, dtype=np.int64), np.empty(capacity, dtype=np.int64)
    for row in range(num_rows):
        for _ in range(steps):
            load_K[:] = 0.0
            for item in range(num_items):
                load_K[index_NM[row, item]] += weights_NM[row, item]
            heavy, light = 0, 0
            for pack in range(1, num_packs):
                if load_K[pack] > load_K[heavy]:
                    heavy = pack
                if load_K[pack] < load_K[light]:
                    light = pack
            gap = load_K[heavy] - load_K[light]
            num_heavy = num_light = 0
            for item in range(num_items):
                if index_NM[row, item] == heavy:
                    heavy_C[num_heavy] = item
                    num_heavy += 1
                elif index_NM[row, item] == light:
                    light_C[num_light] = item
                    num_light += 1
            if num_light < capacity:  # all loads are equal: there is one pack that is both
                break
            for i in range(1, capacity):  # light items, lightest first, ties in order
                item, j = light_C[i], i
                while j > 0 and weights_NM[row, light_C[j - 1]] > weights_NM[row, item]:
                    light_C[j] = light_C[j - 1]
                    j -= 1
                light_C[j] = item
            best_left, best_heavy, best_light = np.inf, -1, -1
            for i in range(capacity):
                weight = weights_NM[row, heavy_C[i]]
                target = weight - gap / 2
                above = 0
                while above < capacity and weights_NM[row, light_C[above]] < target:
                    above += 1
                for partner in (min(above, capacity - 1), max(above - 1, 0)):
                    left = abs(gap - 2 * (weight - weights_NM[row, light_C[partner]]))
                    if left < best_left:
                        best_left, best_heavy, best_light = left, heavy_C[i], light_C[partner]
            if not best_left < gap - GAIN:
                break
            index_NM[row, best_heavy], index_NM[row, best_light] = light, heavy
            for pack in (heavy, light):
                _renumber(index_NM[row], rank_NM[row], pack, order_C, old_C)
