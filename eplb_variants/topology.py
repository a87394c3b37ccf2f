"""Where slots live: slots on GPUs, GPUs on nodes, and expert groups that want to stay on one node."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from eplb_variants.errors import EplbError, UnfitError


@dataclass(frozen=True)
class Topology:
    """The machine that a placement is made for.

    Slot ``p`` is on GPU ``p // slots_per_gpu``; GPU ``g`` is on node ``g // gpus_per_node``.

    Args:
        num_slots: physical experts per layer, redundant ones included (``num_replicas`` in the DeepSeek API).
        num_groups: expert groups per layer; consecutive experts form a group.
        num_nodes: nodes; GPUs are spread evenly over them.
        num_gpus: GPUs in all; slots are spread evenly over them.

    Raises:
        EplbError: a number is not a positive integer, slots do not divide over GPUs, or GPUs over nodes.
    """

    num_slots: int
    num_groups: int
    num_nodes: int
    num_gpus: int

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise EplbError(f"topology.{field.name} is {value!r}: it must be a whole number of at least 1")
            object.__setattr__(self, field.name, int(value))
        if self.num_slots % self.num_gpus:
            raise EplbError(
                f"{self.num_slots} slots do not divide over {self.num_gpus} GPUs: every GPU must hold equally many"
            )
        if self.num_gpus % self.num_nodes:
            raise EplbError(
                f"{self.num_gpus} GPUs do not divide over {self.num_nodes} nodes: every node must hold equally many"
            )

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
        return Topology(self.num_slots, 1, 1, self.num_gpus)

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
