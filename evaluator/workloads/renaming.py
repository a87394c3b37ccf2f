"""The same load with its experts renamed: nothing that a placement is worth depends on what experts are called.

Shapes: L layers, E logical experts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from eplb_variants import Topology
from eplb_variants.loads import IntArray
from evaluator.workloads.windows import WindowSequence


def renaming(num_layers: int, num_experts: int, topology: Topology, draw: np.random.Generator) -> IntArray:
    """Return for each layer the experts in a drawn order, ``[L, E]``; groups stay together where they divide.

    ``np.take_along_axis(load_LE, order_LE, axis=1)`` renames the experts of a load.
    """
    groups = topology.num_groups if num_experts % topology.num_groups == 0 else 1
    by_group = draw.permuted(np.tile(np.arange(groups), (num_layers, 1)), axis=1)
    within = np.tile(np.arange(num_experts // groups), (num_layers, groups, 1))
    within = draw.permuted(within, axis=2)
    order: IntArray = by_group[:, :, None] * (num_experts // groups) + within
    return order.reshape(num_layers, num_experts)


@dataclass(frozen=True, eq=False)
class Renamed:
    """Windows with their experts in another order, ``order [L, E]``; made when they are asked for."""

    windows_WLE: WindowSequence
    order_LE: IntArray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.windows_WLE.shape

    def __len__(self) -> int:
        return len(self.windows_WLE)

    def __getitem__(self, window: int, /) -> Any:
        return np.take_along_axis(self.windows_WLE[window], self.order_LE, axis=1)
