"""Where slots live: slots on GPUs, GPUs on nodes, and expert groups that want to stay on one node."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from eplb_variants.errors import EplbError, UnfitError
from eplb_variants.loads import FloatArray

COUNTS = ("num_slots", "num_groups", "num_nodes", "num_gpus")
"""The numbers of a topology, in DeepSeek's order."""


@dataclass(frozen=True)
class Topology:
    """The machine that a placement is made for.

    Slot ``p`` is on GPU ``p // slots_per_gpu``; GPU ``g`` is on node ``g // gpus_per_node``.

    Args:
        num_slots: physical experts per layer, redundant ones included (``num_replicas`` in the DeepSeek API).
        num_groups: expert groups per layer; consecutive experts form a group.
        num_nodes: nodes; GPUs are spread evenly over them.
        num_gpus: GPUs in all; slots are spread evenly over them.
        speeds: tokens that each GPU does in some time, in any unit, above 0; none where all are equally fast, which is
            also what equal ones are taken for.
        alignment: tokens of a tile, of which a GPU computes whole ones for each expert; 0 where any number will do.

    Raises:
        EplbError: a number is not a positive integer, slots do not divide over GPUs, or GPUs over nodes; there is not
            a speed for each GPU, or one is no number above 0; the alignment is no whole number from 0 on.
    """

    num_slots: int
    num_groups: int
    num_nodes: int
    num_gpus: int
    speeds: tuple[float, ...] = ()
    alignment: int = 0

    def __post_init__(self) -> None:
        for name in COUNTS:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise EplbError(f"topology.{name} is {value!r}: it must be a whole number of at least 1")
            object.__setattr__(self, name, int(value))
        if self.num_slots % self.num_gpus:
            raise EplbError(
                f"{self.num_slots} slots do not divide over {self.num_gpus} GPUs: every GPU must hold equally many"
            )
        if self.num_gpus % self.num_nodes:
            raise EplbError(
                f"{self.num_gpus} GPUs do not divide over {self.num_nodes} nodes: every node must hold equally many"
            )
        if not isinstance(self.alignment, (int, np.integer)) or self.alignment < 0:
            raise EplbError(f"topology.alignment is {self.alignment!r}: it must be a whole number, 0 or more")
        object.__setattr__(self, "speeds", self._checked_speeds())

    def _checked_speeds(self) -> tuple[float, ...]:
        try:
            speeds = tuple(map(float, self.speeds))
        except (TypeError, ValueError):
            raise EplbError(f"topology.speeds is {self.speeds!r}: it must be a list of numbers") from None
        if speeds and len(speeds) != self.num_gpus:
            raise EplbError(f"topology.speeds has {len(speeds)} numbers: there are {self.num_gpus} GPUs")
        if not all(speed > 0 and math.isfinite(speed) for speed in speeds):
            raise EplbError(f"topology.speeds is {list(speeds)}: a speed must be a number above 0")
        return () if len(set(speeds)) < 2 else speeds

    @cached_property
    def relative_speeds(self) -> FloatArray:
        """``[G]`` the speed of each GPU over the mean of all: 1 where they are equally fast."""
        if not self.speeds:
            return np.ones(self.num_gpus)
        speed_G = np.array(self.speeds)
        return speed_G / speed_G.mean()

    @property
    def slots_per_gpu(self) -> int:
        return self.num_slots // self.num_gpus

    @property
    def gpus_per_node(self) -> int:
        return self.num_gpus // self.num_nodes

    @property
    def slots_per_node(self) -> int:
        return self.num_slots // self.num_nodes

    @property
    def hierarchical(self) -> bool:
        """Whether groups divide over nodes, DeepSeek's condition for the hierarchical policy."""
        return self.num_groups % self.num_nodes == 0

    def flat(self) -> Topology:
        """Return the same slots and GPUs as one node with one group: what the global policy sees."""
        return replace(self, num_groups=1, num_nodes=1)

    def without(self, failed: Sequence[int]) -> Topology:
        """Return what is left where GPUs have failed: the others, in order, with their slots.

        It has the nodes and groups of the whole where equally many GPUs of every node are left. Else it is one node
        with one group, as DeepSeek's API takes what does not divide.

        Raises:
            EplbError: there is no such GPU, or none is left.
        """
        for gpu in failed:
            if isinstance(gpu, bool) or not isinstance(gpu, (int, np.integer)) or not 0 <= gpu < self.num_gpus:
                raise EplbError(f"topology.failed names GPU {gpu!r}: they are numbered 0 to {self.num_gpus - 1}")
        live = [gpu for gpu in range(self.num_gpus) if gpu not in failed]
        if not live:
            raise EplbError("topology.failed names every GPU: one must be left")
        left = {sum(gpu // self.gpus_per_node == node for gpu in live) for node in range(self.num_nodes)}
        nodes, groups = (self.num_nodes, self.num_groups) if len(left) == 1 else (1, 1)
        speeds = tuple(self.speeds[gpu] for gpu in live) if self.speeds else ()
        return Topology(self.slots_per_gpu * len(live), groups, nodes, len(live), speeds, self.alignment)

    def check_experts(self, num_experts: int) -> None:
        """Raise UnfitError unless every one of ``num_experts`` logical experts of a layer can have a slot."""
        if self.num_slots < num_experts:
            raise UnfitError(
                f"{self.num_slots} slots are too few for {num_experts} logical experts: each needs at least one"
            )

    def check_group_size(self, num_experts: int) -> None:
        """Raise UnfitError unless ``num_experts`` experts form equal groups."""
        if num_experts % self.num_groups:
            raise UnfitError(f"{num_experts} logical experts do not divide into {self.num_groups} groups")

    def check_groups(self, num_experts: int) -> None:
        """Raise UnfitError unless ``num_experts`` experts form equal groups that divide over the nodes."""
        self.check_group_size(num_experts)
        if not self.hierarchical:
            raise UnfitError(
                f"{self.num_groups} groups do not divide over {self.num_nodes} nodes: "
                "the hierarchical policy needs equally many on each"
            )
