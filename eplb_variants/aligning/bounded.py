"""The aligner that goes on from the placement in place, as far as a budget of moved slots allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.refining.search import Effort, improve_rows
from eplb_variants.registry import register
from eplb_variants.topology import Topology


@register("aligner", "bounded", "changes the placement in place, at most `max_moves` of its slots, where that pays")
@dataclass(frozen=True)
class Bounded:
    """Keep the placement in place and change it slot by slot: the change that gains most for each moved slot first.

    The new placement is not used. Under the hierarchical policy, groups stay on the nodes that they are on. Gain over
    price is the rule of SwiftBalancer's second version and of EPIC; the changes are those of the refiner
    ``transfers``.

    Args:
        max_moves: part of a layer's slots that may change, 0 to 1.
        price: what a moved slot must lower the fullest GPU by at least, as a part of the mean load of a GPU.
    """

    max_moves: float = 0.1
    price: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.max_moves <= 1 and self.price >= 0):
            raise EplbError(
                f"max_moves is {self.max_moves} and price {self.price}: they are a part of the slots, 0 to 1, and a "
                "part of a GPU's mean load, 0 or more"
            )

    def effort(self, num_slots: int) -> Effort:
        """Return how far it goes with so many slots."""
        return Effort(int(np.floor(self.max_moves * num_slots + 1e-9)), 0.0, self.price, True)

    def __call__(self, load: FloatArray, slots: IntArray, topology: Topology, previous: IntArray) -> IntArray:
        """Return ``previous [L, P]``, changed, for ``load [L, E]``."""
        effort = self.effort(topology.num_slots)
        speed_LG = np.broadcast_to(topology.relative_speeds, (len(load), topology.num_gpus))
        return improve_rows(load, previous, speed_LG, topology.gpus_per_node, effort)
