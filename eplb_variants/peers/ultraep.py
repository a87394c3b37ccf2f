"""Homes that never move, and copies of the hottest experts on the GPUs with least load, as UltraEP places them.

Shapes: L layers, E logical experts, G GPUs, S slots of a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eplb_variants.contracts import Replication
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.peers.in_force import in_force, settled
from eplb_variants.placement import Placement
from eplb_variants.registry import register
from eplb_variants.topology import Topology


@register("placer", "ultraep", "experts at home by number; copies of the hottest on the GPUs with least load")
@dataclass(frozen=True)
class UltraEPPlacement:
    """Leave every expert at home, and put copies where there is least load.

    Homes are by number. Every further slot is a copy of the expert with the largest load per replica, at most one on
    each GPU. Copies are put on GPUs by falling load, each on the one with least load of those that have a slot left and
    do not hold the expert. A slot for which no copy is left holds the first expert of its GPU again. This is the
    placement on the CPU of UltraEP (Dots-Infra, 2026), all GPUs being one domain.
    """

    def __call__(self, load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
        """Return the placement for ``load [L, E]``; UnfitError where there are fewer slots than experts."""
        return self.placed(copied, load, topology, previous)

    def placed(
        self,
        copied: Callable[[FloatArray, IntArray], None],
        load: FloatArray,
        topology: Topology,
        previous: Placement | None,
    ) -> Replication:
        """Return what ``__call__`` does, ``copied`` filling the slots of a layer."""
        before_LGS, slots_LGS = in_force(load, topology, previous), in_force(load, topology, None)
        for load_E, slots_GS in zip(load, slots_LGS, strict=True):
            copied(load_E, slots_GS)
        return settled(slots_LGS, before_LGS, load.shape[1])


def copied(load_E: FloatArray, slots_GS: IntArray) -> None:
    """Put copies into the slots of a layer that are no homes; homes are what each expert's first slot is."""
    num_gpus, size = slots_GS.shape
    is_there_GE = np.zeros((num_gpus, load_E.size), dtype=np.int64)
    left_G, copies_E = np.zeros(num_gpus, dtype=np.int64), np.zeros(load_E.size, dtype=np.int64)
    for gpu in range(num_gpus):
        for place in range(size):
            expert = slots_GS[gpu, place]
            if copies_E[expert]:
                left_G[gpu] += 1
                slots_GS[gpu, place] = -1
            else:
                copies_E[expert] = 1
                is_there_GE[gpu, expert] = 1
    left = 0
    for gpu in range(num_gpus):
        left += left_G[gpu]
    for _ in range(left):
        hottest = -1
        for expert in range(load_E.size):
            if copies_E[expert] < num_gpus and (
                hottest < 0 or load_E[expert] / copies_E[expert] > load_E[hottest] / copies_E[hottest]
            ):
                hottest = expert
        if hottest >= 0:
            copies_E[hottest] += 1
    load_G = np.zeros(num_gpus)
    for gpu in range(num_gpus):
        for expert in range(load_E.size):
            if is_there_GE[gpu, expert]:
                load_G[gpu] += load_E[expert] / copies_E[expert]
    for expert in np.argsort(-load_E / copies_E, kind="mergesort"):
        for _ in range(copies_E[expert] - 1):
            emptiest = -1
            for gpu in range(num_gpus):
                if left_G[gpu] and not is_there_GE[gpu, expert] and (emptiest < 0 or load_G[gpu] < load_G[emptiest]):
                    emptiest = gpu
            if emptiest >= 0:
                place = 0
                while slots_GS[emptiest, place] >= 0:
                    place += 1
                slots_GS[emptiest, place] = expert
                is_there_GE[emptiest, expert] = 1
                left_G[emptiest] -= 1
                load_G[emptiest] += load_E[expert] / copies_E[expert]
    for gpu in range(num_gpus):
        for place in range(size):
            if slots_GS[gpu, place] < 0:
                slots_GS[gpu, place] = max(slots_GS[gpu, 0], 0)
