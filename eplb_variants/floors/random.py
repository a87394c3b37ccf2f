"""The random floor: a shuffle, the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eplb_variants.contracts import Replication
from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray
from eplb_variants.placement import Placement, count_replicas, number_replicas
from eplb_variants.registry import register
from eplb_variants.topology import Topology


@register("placer", "random", "every layer shuffled, extra copies to random experts; the same for the same seed")
@dataclass(frozen=True)
class Random:
    """Shuffle one copy of every expert and random extra copies over the slots, each layer on its own.

    Args:
        seed: 0 or more; the placement depends on it and on the shapes alone.
    """

    seed: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise EplbError(f"seed is {self.seed}: it must be 0 or more")

    def __call__(self, load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
        """Return the shuffle for ``load``'s shape; its entries are not looked at."""
        num_layers, num_experts = load.shape
        generator = np.random.default_rng(self.seed)
        extra_LR = generator.integers(0, num_experts, (num_layers, topology.num_slots - num_experts))
        once_LE = np.tile(np.arange(num_experts), (num_layers, 1))
        phy2log_LP = generator.permuted(np.concatenate([once_LE, extra_LR], axis=1), axis=1)
        return Replication(phy2log_LP, number_replicas(phy2log_LP), count_replicas(phy2log_LP, num_experts))
