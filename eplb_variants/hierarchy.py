"""The staged placer: groups to nodes, replicas within nodes, a fix-up, replicas to GPUs; then small changes.

Shapes: L layers, E logical experts, P slots, N nodes, Q groups, S = E / Q experts a group.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from eplb_variants.aligning.none import none as unaligned
from eplb_variants.checks import guarded
from eplb_variants.contracts import Aligner, FixUp, Packer, Packing, Refiner, Replication, Replicator
from eplb_variants.errors import EplbError, unknown
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import Placement, check_in_place, count_replicas, number_replicas
from eplb_variants.refining.none import none as unrefined
from eplb_variants.refining.search import by_speed
from eplb_variants.topology import Topology

IMPLEMENTATIONS = ("kernel", "reference")
POLICIES = ("auto", "hierarchical", "global")


class Steps(NamedTuple):
    """The stages, in the order of their work."""

    group_packer: Packer
    replicator: Replicator
    fixup: FixUp
    gpu_packer: Packer
    refiner: Refiner = unrefined
    aligner: Aligner = unaligned


KINDS = ("packer", "replicator", "fixup", "packer", "refiner", "aligner")
"""The kind of stage that each step takes."""


@dataclass(frozen=True)
class Staged:
    """The pipeline of DeepSeek's EPLB with every step replaceable.

    Args:
        group_packer: puts groups on nodes; under the global policy there is one of each.
        replicator: makes replicas of a node's experts.
        fixup: corrects the counts.
        gpu_packer: puts a node's replicas on its GPUs; labels are the experts.
        refiner: changes the slots of a node for the better.
        aligner: brings the placement near the one in place, where there is one.
        policy: ``hierarchical`` keeps a group's replicas on one node, ``global`` sees neither groups nor nodes,
            ``auto`` is hierarchical where the groups divide over the nodes, as in DeepSeek's API.
        implementation: ``kernel`` runs compiled stages where there are any, ``reference`` the readable ones; the
            placements are the same.
        threads: how many threads the kernels may share the layers among, 1 or more; the placements are the same.
    """

    group_packer: Packer
    replicator: Replicator
    fixup: FixUp
    gpu_packer: Packer
    policy: str = "auto"
    implementation: str = "kernel"
    threads: int = 1
    refiner: Refiner = unrefined
    aligner: Aligner = unaligned

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise unknown("policy", self.policy, POLICIES)
        if self.implementation not in IMPLEMENTATIONS:
            raise unknown("implementation", self.implementation, IMPLEMENTATIONS)
        if type(self.threads) is not int or self.threads < 1:
            raise EplbError(f"threads is {self.threads!r}: it must be an integer, 1 or more")

    @cached_property
    def _steps(self) -> Steps:
        """The stages as they are called: compiled, unless the readable ones were asked for; strangers' are checked."""
        steps = Steps(*(getattr(self, step) for step in Steps._fields))
        if self.implementation == "reference":
            return Steps(*map(guarded, KINDS, steps))
        from eplb_variants.kernels import accelerate  # Numba is imported only where it is used

        return Steps(*map(guarded, KINDS, steps, map(accelerate, steps)))

    def __call__(self, load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
        """Place ``load [L, E]``; the columns of the answer are slots.

        Raises:
            EplbError: experts do not divide into groups, unless the policy is global; the policy is hierarchical and
                groups do not divide over nodes; a stage of somebody else's returned what is none.
        """
        topology = self._as_seen(topology, load.shape[1])
        packed = self._packed(load, topology)
        slots_LP = packed.phy2log
        if self.refiner is not unrefined:
            slots_LP = self._refined(load, slots_LP, topology)
        if self.aligner is not unaligned and previous is not None:
            slots_LP = self._aligned(load, slots_LP, topology, previous)
        if slots_LP is packed.phy2log:
            return packed
        return Replication(slots_LP, number_replicas(slots_LP), count_replicas(slots_LP, load.shape[1]))

    def _packed(self, load: FloatArray, topology: Topology) -> Replication:
        """Return the placement of the first four steps."""
        num_layers, num_experts = load.shape
        order_LE = self._experts_by_node(load, topology)
        if self.implementation == "kernel":
            from eplb_variants.kernels.pipeline import Pipeline

            sizes = (num_experts // topology.num_nodes, topology.slots_per_node)
            if pipeline := Pipeline.of(self.replicator, self.fixup, self.gpu_packer, *sizes):
                return pipeline.place(load, order_LE, topology, self.threads)
        order_LE = np.broadcast_to(order_LE, load.shape)
        node_load = np.take_along_axis(load, order_LE, axis=1).reshape(num_layers * topology.num_nodes, -1)
        replication = self._steps.fixup(node_load, self._steps.replicator(node_load, topology.slots_per_node))
        packing = self._pack_on_gpus(node_load, replication, topology.gpus_per_node)
        return to_slots(replication, packing, order_LE, topology)

    def _refined(self, load_LE: FloatArray, slots_LP: IntArray, topology: Topology) -> IntArray:
        """Return the slots after the refiner, which is called with a row for each layer and node.

        Where nodes are of uneven speed, heavier ones are named after faster ones first.
        """
        speed_NG = topology.relative_speeds.reshape(topology.num_nodes, -1)
        slots_LP = by_speed(load_LE, slots_LP, np.tile(speed_NG.sum(axis=1), (len(load_LE), 1)))
        node_load = load_LE if topology.num_nodes == 1 else np.repeat(load_LE, topology.num_nodes, axis=0)
        rows = slots_LP.reshape(-1, topology.slots_per_node)
        speed_rows = np.tile(speed_NG, (len(load_LE), 1))
        return self._steps.refiner(node_load, rows, speed_rows).reshape(slots_LP.shape)

    def _aligned(self, load_LE: FloatArray, slots_LP: IntArray, topology: Topology, previous: Placement) -> IntArray:
        """Return the slots after the aligner; EplbError where what is in place is of another shape."""
        check_in_place(previous, slots_LP.shape, load_LE.shape[1])
        return self._steps.aligner(load_LE, slots_LP, topology, previous.phy2log)

    def remark(self, topology: Topology) -> str:
        """Return what ``policy=auto`` makes of a topology whose groups do not divide over its nodes; else nothing."""
        if self.policy != "auto" or topology.hierarchical:
            return ""
        return (
            f"{topology.num_groups} groups do not divide over {topology.num_nodes} nodes: "
            "policy=auto falls back to the global policy, which keeps no group on one node"
        )

    def _as_seen(self, topology: Topology, num_experts: int) -> Topology:
        """Return the topology as the policy sees it; UnfitError where experts, groups and nodes do not divide."""
        if self.policy == "global":
            return topology.flat()
        topology.check_group_size(num_experts)
        if self.policy == "auto" and not topology.hierarchical:
            return topology.flat()
        topology.check_groups(num_experts)
        return topology

    def _experts_by_node(self, load_LE: FloatArray, topology: Topology) -> IntArray:
        """Return the experts in the order of the nodes that their groups go to: ``[L, E]``, or ``[1, E]`` for all."""
        num_layers, num_experts = load_LE.shape
        if topology.num_groups == topology.num_nodes == 1:  # nothing to pack
            return np.arange(num_experts)[None]
        group_load_LQ = load_LE.reshape(num_layers, topology.num_groups, -1).sum(axis=2)
        group_LQ = np.broadcast_to(np.arange(topology.num_groups), group_load_LQ.shape)
        packing = self._steps.group_packer(group_load_LQ, group_LQ, topology.num_nodes)
        groups_per_node = topology.num_groups // topology.num_nodes
        place_LQ = packing.pack_index * groups_per_node + packing.rank_in_pack
        group_by_place_LQ = _inverse(place_LQ)
        group_size = num_experts // topology.num_groups
        return (group_by_place_LQ[:, :, None] * group_size + np.arange(group_size)).reshape(num_layers, -1)

    def _pack_on_gpus(self, load: FloatArray, replication: Replication, gpus_per_node: int) -> Packing:
        """Return the GPU of each of a node's replicas and its place there."""
        average = np.take_along_axis(load / replication.logcnt, replication.phy2log, axis=1)
        return self._steps.gpu_packer(average, replication.phy2log, gpus_per_node)


def to_slots(replication: Replication, packing: Packing, order_LE: IntArray, topology: Topology) -> Replication:
    """Return the columns of all nodes in the order of their slots, with the experts' own numbers.

    Args:
        replication: a row per layer and node, of a node's experts.
        packing: the GPU of each column within its node, and its place there.
        order_LE: the experts of each layer in the order of the nodes that they are on.
        topology: the machine.
    """
    num_layers, num_experts = order_LE.shape
    column_by_slot = _inverse(packing.pack_index * topology.slots_per_gpu + packing.rank_in_pack)
    slotted = np.take_along_axis(replication.phy2log, column_by_slot, axis=1).reshape(
        num_layers, topology.num_nodes, -1
    )
    first_of_node_N = np.arange(topology.num_nodes) * (num_experts // topology.num_nodes)
    local = (slotted + first_of_node_N[:, None]).reshape(num_layers, -1)
    logcnt_LE = np.empty_like(order_LE)
    np.put_along_axis(logcnt_LE, order_LE, replication.logcnt.reshape(num_layers, num_experts), axis=1)
    rank = np.take_along_axis(replication.rank, column_by_slot, axis=1).reshape(num_layers, -1)
    return Replication(np.take_along_axis(order_LE, local, axis=1), rank, logcnt_LE)


def _inverse(permutation_NM: IntArray) -> IntArray:
    inverse_NM = np.empty_like(permutation_NM)
    np.put_along_axis(
        inverse_NM, permutation_NM, np.broadcast_to(np.arange(permutation_NM.shape[1]), permutation_NM.shape), axis=1
    )
    return inverse_NM
