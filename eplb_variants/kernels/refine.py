"""Swaps between the heaviest and the lightest pack of a row, compiled.

Shapes: M items, K packs, C = M / K items a pack.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import float64, int64, void

from eplb_variants.kernels.compiled import FLOATS, INTS, PAIR, kernel, named
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.packing.lightest import GAIN


class SwapRoom(NamedTuple):
    """What swaps are worked out in."""

    load_K: FloatArray
    """Loads of the packs."""
    heavy_C: IntArray
    """Items of the heaviest pack; once a swap is found, of a pack in the order of their ranks."""
    light_C: IntArray
    """Items of the lightest pack; once a swap is found, the ranks of a pack's items before."""


SWAP_ROOM = named(SwapRoom, FLOATS, INTS, INTS)


@kernel(SWAP_ROOM(int64, int64))
def new_swap_room(num_items: int, num_packs: int) -> SwapRoom:
    """Return room for rows of that many items and packs."""
    capacity = num_items // num_packs
    return SwapRoom(np.empty(num_packs), np.empty(capacity, np.int64), np.empty(capacity, np.int64))


@kernel(void(INTS, INTS, int64, INTS, INTS))
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


@kernel(int64(INTS, int64, INTS))
def _members(index_M: IntArray, pack: int, item_C: IntArray) -> int:
    """Write the items of a pack in order and return how many there are."""
    count = 0
    for item in range(index_M.size):
        if index_M[item] == pack:
            item_C[count] = item
            count += 1
    return count


@kernel(void(FLOATS, INTS))
def _lightest_first(weights_M: FloatArray, item_C: IntArray) -> None:
    """Sort items by weight, ties in order."""
    for i in range(1, item_C.size):
        item, j = item_C[i], i
        while j > 0 and weights_M[item_C[j - 1]] > weights_M[item]:
            item_C[j] = item_C[j - 1]
            j -= 1
        item_C[j] = item


@kernel(PAIR(FLOATS, INTS, INTS, float64))
def _best_swap(weights_M: FloatArray, heavy_C: IntArray, light_C: IntArray, gap: float) -> tuple[int, int]:
    """Return the pair that leaves the smallest gap; -1 where none narrows it. Light items are lightest first."""
    last = light_C.size - 1
    best_left, best_heavy, best_light = np.inf, -1, -1
    for item in heavy_C:
        weight = weights_M[item]
        target = weight - gap / 2
        above = 0
        while above <= last and weights_M[light_C[above]] < target:
            above += 1
        for partner in (min(above, last), max(above - 1, 0)):
            left = abs(gap - 2 * (weight - weights_M[light_C[partner]]))
            if left < best_left:
                best_left, best_heavy, best_light = left, item, light_C[partner]
    return (best_heavy, best_light) if best_left < gap - GAIN else (-1, -1)


@kernel(void(FLOATS, int64, INTS, INTS, SWAP_ROOM))
def refine(weights_M: FloatArray, steps: int, index_M: IntArray, rank_M: IntArray, room: SwapRoom) -> None:
    """Swap at most ``steps`` pairs in a row, in place."""
    load_K, heavy_C, light_C = room
    for _ in range(steps):
        load_K[:] = 0.0
        for item in range(weights_M.size):
            load_K[index_M[item]] += weights_M[item]
        heavy, light = 0, 0
        for pack in range(1, load_K.size):
            if load_K[pack] > load_K[heavy]:
                heavy = pack
            if load_K[pack] < load_K[light]:
                light = pack
        if heavy == light:  # all loads are equal
            return
        _members(index_M, heavy, heavy_C)
        _members(index_M, light, light_C)
        _lightest_first(weights_M, light_C)
        best_heavy, best_light = _best_swap(weights_M, heavy_C, light_C, load_K[heavy] - load_K[light])
        if best_heavy < 0:
            return
        index_M[best_heavy], index_M[best_light] = light, heavy
        _renumber(index_M, rank_M, heavy, heavy_C, light_C)
        _renumber(index_M, rank_M, light, heavy_C, light_C)
