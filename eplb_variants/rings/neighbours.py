"""Copies on neighbours: each expert once, balanced; then every GPU's hottest experts again on GPUs that a graph names.

Shapes: L layers, E logical experts, P slots, G GPUs, R redundant slots of a GPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eplb_variants.contracts import Placer, Replication
from eplb_variants.fixup.none import none
from eplb_variants.hierarchy import Staged
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.packing.greedy import Greedy
from eplb_variants.placement import Placement, count_replicas, number_replicas
from eplb_variants.registry import register
from eplb_variants.replication.dhondt import dhondt
from eplb_variants.rings.laps import laps
from eplb_variants.topology import Topology


@register("placer", "neighbours", "each expert once, balanced; each GPU's hottest again on its neighbours in a ring")
@dataclass(frozen=True)
class Neighbours:
    """Link GPUs by a fixed graph, for tokens that are dispatched by load; the graph does not look at the load.

    The idea is that of LPLB (DeepSeek, 2025), which begins with an order of experts that balances, and lets every GPU
    hold copies of experts of its neighbours in a cube, hypercube or torus. Here the graph is a ring by number: the
    first redundant slot of GPU ``g`` holds the hottest expert of GPU ``g - 1``; further ones take the next hottest
    along rings with other strides. LPLB's graphs are of 8 or 16 GPUs, and which expert of a neighbour a slot holds is
    fixed there; that it is the hottest is ours.

    Where redundant slots do not divide over GPUs, or a ring cannot be made, it is DeepSeek's packing without nodes.
    """

    @cached_property
    def packed(self) -> Placer:
        """What places where there is no such graph, and each expert once."""
        return Staged(Greedy(), dhondt, none, Greedy(), policy="global")

    def __call__(self, load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
        """Return the placement for ``load [L, E]``; UnfitError where there are fewer slots than experts."""
        num_experts = load.shape[1]
        steps = laps(num_experts, topology)
        if not steps.size:
            return self.packed(load, topology, previous)
        alone = Topology(num_experts, 1, 1, topology.num_gpus)
        base_LGS = self.packed(load, alone, None).phy2log.reshape(len(load), topology.num_gpus, -1)
        slots_LP = _linked(load, base_LGS, steps)
        return Replication(slots_LP, number_replicas(slots_LP), count_replicas(slots_LP, num_experts))


def _linked(load_LE: FloatArray, base_LGS: IntArray, steps_R: IntArray) -> IntArray:
    """Return slots ``[L, P]``: the experts that each GPU has ``[L, G, S]``, and copies of its neighbours' hottest."""
    num_layers = len(base_LGS)
    load_LGS = np.take_along_axis(load_LE, base_LGS.reshape(num_layers, -1), axis=1).reshape(base_LGS.shape)
    falling_LGS = np.take_along_axis(base_LGS, np.argsort(-load_LGS, axis=2, kind="stable"), axis=2)
    copies = [np.roll(falling_LGS[:, :, which], step, axis=1) for which, step in enumerate(steps_R)]
    return np.concatenate([base_LGS, np.stack(copies, axis=2)], axis=2).reshape(num_layers, -1)
