"""The greedy packer: longest-processing-time-first with equally many items a pack, and a bounded refinement."""

from __future__ import annotations

from dataclasses import dataclass

from eplb_variants.contracts import Packing
from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.packing.lightest import fill, refine
from eplb_variants.registry import register


@register("packer", "greedy", "heaviest item to the lightest pack with room, then up to refine_steps swaps")
@dataclass(frozen=True)
class Greedy:
    """Heaviest item first, each into the lightest pack that has room (the packing of DeepSeek's EPLB).

    Args:
        refine_steps: swaps tried afterwards between the heaviest and the lightest pack, 0 or more.

    Ties go to the lower item and the lower pack; zero rows are dealt in order.
    """

    refine_steps: int = 0

    def __post_init__(self) -> None:
        if self.refine_steps < 0:
            raise EplbError(f"refine_steps is {self.refine_steps}: it must be 0 or more")

    def __call__(self, weights: FloatArray, labels: IntArray, num_packs: int) -> Packing:
        """Pack ``weights [N, M]``; ``labels`` are not looked at."""
        return refine(weights, fill(weights, num_packs), num_packs, self.refine_steps)
