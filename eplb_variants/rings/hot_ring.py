"""The hot ring: the hottest experts link GPU to GPU in one closed walk, the rest is packed around them.

Shapes: L layers, E logical experts, P slots, G GPUs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eplb_variants.contracts import Placer, Replication
from eplb_variants.errors import EplbError
from eplb_variants.fixup.none import none
from eplb_variants.hierarchy import Staged
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.packing.greedy import Greedy
from eplb_variants.placement import Placement, count_replicas, number_replicas
from eplb_variants.refining.swaps import Swaps
from eplb_variants.registry import register
from eplb_variants.replication.dhondt import dhondt
from eplb_variants.topology import Topology

SLACK = 1e-9
"""Part of a copy that an expert may be over its share without another one."""


@register("placer", "hot_ring", "the hottest experts link the GPUs in a ring, for tokens that are dispatched by load")
@dataclass(frozen=True)
class HotRing:
    """Choose the shared experts first, lay them as one walk over the GPUs, and pack the rest around them.

    Where tokens are dispatched by load, a chain that links every GPU to the next through a shared expert is worth
    nearly as much as full freedom (Jordan and Graves 1995, the long chain). From the hottest expert on, each gets a
    copy for every ``theta`` of a GPU's mean load, two at least, until the redundant slots are used up. These experts
    are laid end to end, hot ones beside less hot ones: each goes on at the GPU where the one before it ended, so that
    neighbours share a GPU. A further lap takes the GPUs with another stride. The other experts go, heaviest first, to
    the GPU with the least load, over its speed, that has room. Groups and nodes are not looked at.

    With fewer redundant slots than GPUs there is no ring to close: then it is DeepSeek's packing with swaps.

    Args:
        theta: load of a copy of a shared expert at most, as a part of the mean load of a GPU, above 0.
    """

    theta: float = 0.5

    def __post_init__(self) -> None:
        if not self.theta > 0:
            raise EplbError(f"theta is {self.theta}: it must be above 0")

    @cached_property
    def packed(self) -> Placer:
        """What places where there is no ring to close."""
        return Staged(Greedy(), dhondt, none, Greedy(), policy="global", refiner=Swaps())

    def __call__(self, load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
        """Return the placement for ``load [L, E]``; UnfitError where there are fewer slots than experts."""
        num_experts = load.shape[1]
        topology.check_experts(num_experts)
        if topology.num_slots - num_experts < topology.num_gpus:
            return self.packed(load, topology, previous)
        slots_LP = np.array([ring(load_E, topology, self.theta) for load_E in load])
        return Replication(slots_LP, number_replicas(slots_LP), count_replicas(slots_LP, num_experts))


def strides(num_gpus: int) -> IntArray:
    """Return the steps with which a walk meets every GPU once before it is back, the smallest first."""
    return np.array([step for step in range(1, max(num_gpus, 2)) if math.gcd(step, num_gpus) == 1])


def ring(load_E: FloatArray, topology: Topology, theta: float) -> IntArray:
    """Return the slots ``[P]`` of one layer."""
    room = Room(load_E, topology)
    copies = shared(load_E, topology, theta)
    position = 0
    for expert in beside_less_hot(list(copies)):
        for copy in range(copies[expert]):
            room.put(expert, room.next_with_room(room.gpu_at(position + copy), expert), load_E[expert] / copies[expert])
        position += copies[expert] - 1
    for expert in np.argsort(-load_E, kind="stable").tolist():
        if expert not in copies:
            room.put(expert, room.lightest(), load_E[expert])
    return np.concatenate(room.held_G)


def shared(load_E: FloatArray, topology: Topology, theta: float) -> dict[int, int]:
    """Return the copies of the shared experts, from the hottest on."""
    left = topology.num_slots - load_E.size
    most = theta * (float(np.add.accumulate(load_E)[-1]) / topology.num_gpus)
    copies: dict[int, int] = {}
    for expert in np.argsort(-load_E, kind="stable").tolist():
        if left == 0:
            break
        wanted = math.ceil(min(load_E[expert] / most - SLACK, topology.num_gpus)) if most > 0 else 2
        copies[expert] = min(max(2, wanted), left + 1)
        left -= copies[expert] - 1
    for _ in range(left):  # all experts are shared: as D'Hondt goes on
        copies[max(range(load_E.size), key=lambda e: (load_E[e] / copies[e], -e))] += 1
    return copies


def beside_less_hot(ordered: list[int]) -> list[int]:
    """Return the hottest first, then the least hot, then the second hottest, and so on."""
    half = (len(ordered) + 1) // 2
    laid = list(ordered)
    laid[0::2] = ordered[:half]
    laid[1::2] = ordered[half:][::-1]
    return laid


class Room:
    """The GPUs of one layer as they fill."""

    def __init__(self, load_E: FloatArray, topology: Topology) -> None:
        self.size, self.num_gpus = topology.slots_per_gpu, topology.num_gpus
        self.held_G: list[list[int]] = [[] for _ in range(self.num_gpus)]
        self.speed_G = topology.relative_speeds.tolist()
        self.full_G = [0.0] * self.num_gpus
        """The load of each over its speed."""
        self.strides = strides(self.num_gpus).tolist()

    def gpu_at(self, position: int) -> int:
        """Return the GPU at a place of the walk; each lap has the next stride."""
        lap, place = divmod(position, self.num_gpus)
        return place * self.strides[lap % len(self.strides)] % self.num_gpus

    def next_with_room(self, gpu: int, expert: int) -> int:
        """Return the first GPU from this one on with room and without this expert, else the first with room."""
        ahead = [(gpu + step) % self.num_gpus for step in range(self.num_gpus)]
        open_ = [other for other in ahead if len(self.held_G[other]) < self.size]
        return next((other for other in open_ if expert not in self.held_G[other]), open_[0])

    def lightest(self) -> int:
        """Return the GPU that is least full and has room, the lower one on a tie."""
        return min((g for g in range(self.num_gpus) if len(self.held_G[g]) < self.size), key=self.full_G.__getitem__)

    def put(self, expert: int, gpu: int, load: float) -> None:
        """Give a GPU a copy."""
        self.held_G[gpu].append(expert)
        self.full_G[gpu] += load / self.speed_G[gpu]
