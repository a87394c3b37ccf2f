"""The diverse packer: greedy, but a near-tie goes to the pack with fewer copies of the same expert."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eplb_variants.contracts import Packing
from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.packing.lightest import fill, refine
from eplb_variants.registry import register

SMALLEST_MEAN = 1e-12
"""The mean weight that an all-zero row is taken to have, so that its ties are broken by label too."""


@register("packer", "diverse", "greedy, but near-ties go to the pack with fewer items of the same label")
@dataclass(frozen=True)
class Diverse:
    """Greedy packing that spreads equal labels over packs whose loads are nearly the same.

    A pack whose load is within ``tie_eps`` times the row's mean weight of the lightest open one costs
    ``label_penalty`` times the mean weight more for each item of the same label that it holds. The idea is from a
    published evolutionary-search candidate for expert placement; its two constants are the defaults.

    Args:
        refine_steps: swaps tried afterwards between the heaviest and the lightest pack, 0 or more.
        tie_eps: width of a near-tie, in mean weights, 0 or more.
        label_penalty: cost of an item of the same label, in mean weights, 0 or more.
    """

    refine_steps: int = 0
    tie_eps: float = 1e-6
    label_penalty: float = 1e-8

    def __post_init__(self) -> None:
        for name in ("refine_steps", "tie_eps", "label_penalty"):
            if not getattr(self, name) >= 0:
                raise EplbError(f"{name} is {getattr(self, name)}: it must be 0 or more")

    def __call__(self, weights: FloatArray, labels: IntArray, num_packs: int) -> Packing:
        """Pack ``weights [N, M]`` with ``labels [N, M]``, any integers."""
        row_N = np.arange(weights.shape[0])
        total_N1 = weights.cumsum(axis=1)[:, -1:]  # added up from the left: the kernel does the same
        mean_N1 = np.maximum(total_N1 / weights.shape[1], SMALLEST_MEAN)
        values, flat_labels = np.unique(labels, return_inverse=True)
        label_NM = flat_labels.reshape(labels.shape)
        same_NVK = np.zeros((weights.shape[0], values.size, num_packs), dtype=np.int32)  # items of a label in a pack

        def cost(open_load_NK: FloatArray, item_N: IntArray) -> FloatArray:
            near_NK = open_load_NK - open_load_NK.min(axis=1, keepdims=True) <= self.tie_eps * mean_N1
            same_NK = same_NVK[row_N, label_NM[row_N, item_N]]
            return np.where(near_NK, open_load_NK + self.label_penalty * mean_N1 * same_NK, open_load_NK)

        def placed(item_N: IntArray, pack_N: IntArray) -> None:
            same_NVK[row_N, label_NM[row_N, item_N], pack_N] += 1

        return refine(weights, fill(weights, num_packs, cost, placed), num_packs, self.refine_steps)
