"""The exact packer, for few items: of all ways to pack them, one whose heaviest pack is lightest.

Shapes: N rows, M items, K packs, C = M / K items a pack.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from eplb_variants.contracts import Packing
from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.packing.lightest import fill
from eplb_variants.registry import register


@register(
    "packer", "exact", "the packing whose heaviest pack is lightest, where at most `most` are possible; else greedy"
)
@dataclass(frozen=True)
class Exact:
    """Try all packings by branch and bound, as long as they are few: 105 of 8 groups on 4 nodes, 2,520 of 10 on 5.

    Items come heaviest first, each into every pack with room that is not heavier than what was found, and into one of
    the packs that are empty. Of packings with the same heaviest pack the first that is found is kept, so packs are in
    the order of their heaviest items.

    Args:
        most: packings of all items up to which all are tried; beyond it the packing is greedy.
    """

    most: int = 100_000

    def __post_init__(self) -> None:
        if self.most < 0:
            raise EplbError(f"most is {self.most}: it is a number of packings, 0 or more")

    def __call__(self, weights: FloatArray, labels: IntArray, num_packs: int) -> Packing:
        """Pack ``weights [N, M]``; ``labels`` are not looked at."""
        return self.packed_by(lightest_of_all, weights, num_packs)

    def packed_by(self, search: object, weights: FloatArray, num_packs: int) -> Packing:
        """Return the packing that ``search`` finds for each row, or the greedy one where it would be too long."""
        packing = fill(weights, num_packs)
        size = weights.shape[1] // num_packs
        if size > 1 and packings(weights.shape[1], num_packs) <= self.most:
            for row, weights_M in enumerate(weights):
                order_M = np.argsort(-weights_M, kind="stable")
                search(np.ascontiguousarray(weights_M[order_M]), order_M, packing.pack_index[row], num_packs)  # type: ignore[operator]
            packing.rank_in_pack[:] = _ranks(packing.pack_index, num_packs)
        return packing


def packings(num_items: int, num_packs: int) -> int:
    """Return how many ways there are to put items into packs of equally many whose order does not count."""
    return math.factorial(num_items) // (
        math.factorial(num_items // num_packs) ** num_packs * math.factorial(num_packs)
    )


def _ranks(index_NM: IntArray, num_packs: int) -> IntArray:
    """Return the place of each item in its pack, in the order of the items."""
    rank_NM = np.empty_like(index_NM)
    for pack in range(num_packs):
        is_here = index_NM == pack
        rank_NM[is_here] = (is_here.cumsum(axis=1) - 1)[is_here]
    return rank_NM


def lightest_of_all(falling_M: FloatArray, order_M: IntArray, index_M: IntArray, num_packs: int) -> None:
    """Write into ``index [M]`` the pack of each item, so that the heaviest pack is as light as can be.

    Args:
        falling_M: weights, the heaviest first.
        order_M: the item that has each of these weights.
        index_M: what is written to.
        num_packs: packs of equally many items.
    """
    num_items = falling_M.size
    capacity = num_items // num_packs
    load_K, held_K = np.zeros(num_packs), np.zeros(num_packs, np.int64)
    chosen_M = np.full(num_items, -1)
    best = np.inf
    at = 0
    while at >= 0:
        if at == num_items:
            best = load_K.max()
            for place in range(num_items):
                index_M[order_M[place]] = chosen_M[place]
            at -= 1
            continue
        pack = chosen_M[at]
        was_empty = False
        if pack >= 0:  # take it out of the pack that was tried last
            held_K[pack] -= 1
            was_empty = held_K[pack] == 0
            load_K[pack] = 0.0
            for before in range(at):  # added up anew: subtracting would leave a rest
                if chosen_M[before] == pack:
                    load_K[pack] += falling_M[before]
        pack += 1
        while pack < num_packs and (was_empty or held_K[pack] == capacity or load_K[pack] + falling_M[at] >= best):
            if was_empty:  # all further packs are empty, too, and the same
                pack = num_packs
            else:
                pack += 1
        if pack < num_packs:
            chosen_M[at] = pack
            held_K[pack] += 1
            load_K[pack] += falling_M[at]
            at += 1
        else:
            chosen_M[at] = -1
            at -= 1
