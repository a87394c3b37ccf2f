"""The snake deal: items by falling weight to the packs in order, then back, as in a draft of players."""

from __future__ import annotations

import numpy as np

from eplb_variants.contracts import Packing
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.registry import register


@register("packer", "serpentine", "heaviest items dealt to the packs in order, then back, and so on")
def serpentine(weights: FloatArray, labels: IntArray, num_packs: int) -> Packing:
    """Deal ``weights [N, M]``; ``labels`` are not looked at.

    No weight is compared with what a pack holds already, which is why it is quick: SGLang's ``deepseek_vec`` and some
    programs of evolutionary searches pack so. Ties go to the lower item.
    """
    num_items = weights.shape[1]
    order_NM = np.argsort(-weights, axis=1, kind="stable")
    round_M, place_M = np.divmod(np.arange(num_items), num_packs)
    pack_M = np.where(round_M % 2 == 0, place_M, num_packs - 1 - place_M)
    pack_NM, rank_NM = np.empty_like(order_NM), np.empty_like(order_NM)
    np.put_along_axis(pack_NM, order_NM, np.broadcast_to(pack_M, order_NM.shape), axis=1)
    np.put_along_axis(rank_NM, order_NM, np.broadcast_to(round_M, order_NM.shape), axis=1)
    return Packing(pack_NM, rank_NM)
