"""What the packers share: heaviest item first into the lightest pack with room, then swaps between two packs.

Shapes: N rows, M items, K packs, C = M / K items a pack.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eplb_variants.contracts import Packing
from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray

Prefer = Callable[[FloatArray, IntArray], FloatArray]
"""From the loads ``[N, K]`` of open packs (infinite where full) and the items ``[N]`` to the cost of each pack."""

GAIN = 1e-9
"""Tokens by which a swap must narrow the gap to count as strictly better: far below one token, above rounding."""


def fill(
    weights_NM: FloatArray, num_packs: int, cost: Prefer | None = None, placed: Callable[..., None] | None = None
) -> Packing:
    """Put the heaviest item left into the open pack of least cost, until all are in.

    Args:
        weights_NM: ``[N, M]``, non-negative.
        num_packs: ``K``, divides ``M``.
        cost: what to minimise instead of the pack's load.
        placed: called with items ``[N]`` and packs ``[N]`` after each step.

    Ties go to the lower item, then to the lower pack. With one item a pack, item ``i`` goes to pack ``i``.
    """
    num_rows, num_items = weights_NM.shape
    if num_packs < 1 or num_items % num_packs:
        raise EplbError(f"{num_items} items do not divide into {num_packs} packs")
    capacity = num_items // num_packs
    if capacity == 1:
        index_NM = np.broadcast_to(np.arange(num_items), weights_NM.shape).copy()
        return Packing(index_NM, np.zeros_like(index_NM))
    order_NM = np.argsort(-weights_NM, axis=1, kind="stable")
    sorted_NM = np.take_along_axis(weights_NM, order_NM, axis=1)
    open_load_NK = np.zeros((num_rows, num_packs))  # infinite once the pack is full
    held_NK = np.zeros((num_rows, num_packs), dtype=np.int64)
    index_NM, rank_NM = (np.empty((num_rows, num_items), dtype=np.int64) for _ in range(2))
    row_N = np.arange(num_rows)
    for step in range(num_items):
        item_N = order_NM[:, step]
        pack_N = np.argmin(open_load_NK if cost is None else cost(open_load_NK, item_N), axis=1)
        index_NM[row_N, item_N] = pack_N
        rank_NM[row_N, item_N] = held_NK[row_N, pack_N]
        held_NK[row_N, pack_N] += 1
        open_load_NK[row_N, pack_N] += sorted_NM[:, step]
        open_load_NK[row_N, pack_N] = np.where(held_NK[row_N, pack_N] == capacity, np.inf, open_load_NK[row_N, pack_N])
        if placed is not None:
            placed(item_N, pack_N)
    return Packing(index_NM, rank_NM)


def refine(weights_NM: FloatArray, packing: Packing, num_packs: int, steps: int) -> Packing:
    """Swap at most ``steps`` pairs of items a row between its heaviest and its lightest pack.

    Each swap is the one that leaves the smallest gap between the two; a row stops where none narrows it.
    """
    index_NM, rank_NM = packing.pack_index.copy(), packing.rank_in_pack.copy()
    if weights_NM.shape[1] == num_packs or num_packs == 1:
        return Packing(index_NM, rank_NM)
    active_N = np.arange(weights_NM.shape[0])
    for _ in range(steps):
        swapped_N = _swap(weights_NM[active_N], index_NM, rank_NM, active_N, num_packs)
        active_N = active_N[swapped_N]
        if active_N.size == 0:
            break
    return Packing(index_NM, rank_NM)


def _swap(
    weights_NM: FloatArray, index_NM: IntArray, rank_NM: IntArray, active_N: IntArray, num_packs: int
) -> np.ndarray:
    """Do the best swap in each active row, in place; return which rows had one."""
    row_N1 = np.arange(active_N.size)[:, None]
    members_NKC = np.argsort(index_NM[active_N], axis=1, kind="stable").reshape(active_N.size, num_packs, -1)
    load_NK = weights_NM[row_N1[:, :, None], members_NKC].cumsum(axis=2)[:, :, -1]  # in order: the kernels do the same
    heavy_N, light_N = load_NK.argmax(axis=1), load_NK.argmin(axis=1)
    gap_N = load_NK.max(axis=1) - load_NK.min(axis=1)
    heavy_NC, light_NC = members_NKC[row_N1[:, 0], heavy_N], members_NKC[row_N1[:, 0], light_N]
    light_NC = np.take_along_axis(
        light_NC, np.argsort(np.take_along_axis(weights_NM, light_NC, 1), axis=1, kind="stable"), axis=1
    )
    heavy_w_NC, light_w_NC = (np.take_along_axis(weights_NM, i, axis=1) for i in (heavy_NC, light_NC))

    # the best partner of a heavy item is one of the two light items around its weight less half the gap
    target_NC = heavy_w_NC - gap_N[:, None] / 2
    above_NC = (light_w_NC[:, None, :] < target_NC[:, :, None]).sum(axis=2)
    capacity = heavy_NC.shape[1]
    partner_NC2 = np.stack([np.minimum(above_NC, capacity - 1), np.clip(above_NC - 1, 0, None)], axis=2)
    partner_w_NC2 = light_w_NC[row_N1[:, :, None], partner_NC2]
    left_NC2 = np.abs(gap_N[:, None, None] - 2 * (heavy_w_NC[:, :, None] - partner_w_NC2))
    best_N = left_NC2.reshape(active_N.size, -1).argmin(axis=1)
    helps_N = left_NC2.reshape(active_N.size, -1)[row_N1[:, 0], best_N] < gap_N - GAIN

    heavy_item_N = heavy_NC[row_N1[:, 0], best_N // 2]
    light_item_N = light_NC[row_N1[:, 0], partner_NC2[row_N1[:, 0], best_N // 2, best_N % 2]]
    rows = active_N[helps_N]
    index_NM[rows, heavy_item_N[helps_N]] = light_N[helps_N]
    index_NM[rows, light_item_N[helps_N]] = heavy_N[helps_N]
    rank_NM[rows] = _renumber(index_NM[rows], rank_NM[rows], capacity)
    return helps_N


def _renumber(index_NM: IntArray, rank_NM: IntArray, capacity: int) -> IntArray:
    """Number the items of each pack from 0, by their old rank, then by item."""
    order_NM = np.argsort(index_NM * capacity + rank_NM, axis=1, kind="stable")
    new_NM = np.empty_like(rank_NM)
    np.put_along_axis(new_NM, order_NM, np.broadcast_to(np.arange(rank_NM.shape[1]) % capacity, rank_NM.shape), axis=1)
    return new_NM
