"""The ring across nodes: own copies stay with their group, and redundant copies alone link all GPUs.

Shapes: L layers, E logical experts, P slots, G GPUs, N nodes, S own slots of a GPU, R redundant slots of a GPU.
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
from eplb_variants.refining.swaps import Swaps
from eplb_variants.registry import register
from eplb_variants.replication.dhondt import dhondt
from eplb_variants.rings.hot_ring import beside_less_hot
from eplb_variants.rings.laps import laps
from eplb_variants.topology import Topology


@register("placer", "cross_ring", "own copies stay on their group's node, redundant ones link all GPUs across nodes")
@dataclass(frozen=True)
class CrossRing:
    """Keep every group on one node with a copy of each expert, and let the redundant copies cross.

    Where whole groups are tied to nodes, the heaviest node bounds the balance, whatever is done within it. So each
    node's experts are packed over its GPUs without redundancy, equally many on each. All GPUs then stand in one ring,
    heavy beside light, whatever their nodes, and a GPU's redundant slots hold the hottest experts of the GPU before it
    in the ring; further ones are taken along rings with other strides. Where tokens are dispatched by load, few of them
    have to leave their group's node. The ring is that of Jordan and Graves (1995).

    Where redundant slots do not divide over GPUs, or there is no ring to close, it is DeepSeek's packing with swaps.
    """

    @cached_property
    def packed(self) -> Placer:
        """What places where there is no such ring."""
        return Staged(Greedy(), dhondt, none, Greedy(), refiner=Swaps())

    @cached_property
    def once(self) -> Placer:
        """What places each expert once."""
        return Staged(Greedy(), dhondt, none, Greedy())

    def __call__(self, load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
        """Return the placement for ``load [L, E]``; UnfitError where experts, groups and slots do not divide."""
        num_experts = load.shape[1]
        steps = laps(num_experts, topology)
        if not steps.size:
            return self.packed(load, topology, previous)
        alone = Topology(num_experts, topology.num_groups, topology.num_nodes, topology.num_gpus)
        own_LGS = self.once(load, alone, None).phy2log.reshape(len(load), topology.num_gpus, -1)
        slots_LP = np.array([_linked(load_E, own_GS, steps) for load_E, own_GS in zip(load, own_LGS, strict=True)])
        return Replication(slots_LP, number_replicas(slots_LP), count_replicas(slots_LP, num_experts))


def _linked(load_E: FloatArray, own_GS: IntArray, steps_R: IntArray) -> IntArray:
    """Return the slots ``[P]`` of a layer: the experts of each GPU, and copies of others' hottest along the ring."""
    heaviest_G = np.argsort(-load_E[own_GS].sum(axis=1), kind="stable")
    ring_G = np.array(beside_less_hot(heaviest_G.tolist()))
    falling_GS = np.take_along_axis(own_GS, np.argsort(-load_E[own_GS], axis=1, kind="stable"), axis=1)
    copies_GR = np.empty((len(own_GS), len(steps_R)), dtype=np.int64)
    for which, step in enumerate(steps_R):
        copies_GR[np.roll(ring_G, -step), which] = falling_GS[ring_G, which]
    return np.concatenate([own_GS, copies_GR], axis=1).ravel()
