"""Replicators by divisor: every extra replica to the largest load over copies and an offset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eplb_variants.contracts import Replication
from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray
from eplb_variants.registry import register
from eplb_variants.replication.growth import grow


@register("replicator", "divisor", "each extra replica to the largest load over copies plus `offset`")
@dataclass(frozen=True)
class Divisor:
    """Hand out replicas as seats are by a divisor method: the next to the largest ``load / (copies + offset)``.

    With 0 it is D'Hondt's method, which minimises the largest load per replica; with -0.5 Sainte-Lague's, which comes
    nearest to shares of the load; below that experts with little load get a second copy sooner, above 0 later. Ties,
    and rows without load, go to the lowest expert.

    Args:
        offset: above -1.
    """

    offset: float = -0.5

    def __post_init__(self) -> None:
        if not -1 < self.offset < float("inf"):
            raise EplbError(f"offset is {self.offset}: it must be above -1")

    def __call__(self, load: FloatArray, num_slots: int) -> Replication:
        """Replicate ``load [N, E]`` into ``num_slots`` columns; EplbError where these are fewer than experts."""
        return grow(load, num_slots, lambda _, logcnt: np.argmax(load / (logcnt + self.offset), axis=1))
