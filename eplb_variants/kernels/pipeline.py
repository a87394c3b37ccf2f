"""A whole staged variant in two kernels, for stages that have one each: what lies between them stays in the cache.

Composed one by one, the stages hand whole arrays to each other, and fetching fresh memory for them costs as much as the
stages do. Here a row goes through replicator and sort key in one pass, through packer and slot assembly in another; in
between NumPy sorts the keys of all rows. The answers are those of the stages composed.
Shapes: L layers, E logical experts, P slots, B rows (layers x nodes), D experts and Q columns of a row.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import int64, void

from eplb_variants.contracts import Replication
from eplb_variants.kernels import fused
from eplb_variants.kernels.compiled import FLOAT_ROWS, INT_ROWS, kernel, ready
from eplb_variants.kernels.fixup import Unmoved
from eplb_variants.kernels.order import keys, low_bits, order
from eplb_variants.kernels.packing import PACK_RULE, PackRule, new_pack_room, pack
from eplb_variants.kernels.replication import GROWTH, REPLICATION, Growth, check_slots, grow, new_trees
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.topology import Topology

SLOTS_A_THREAD = 30_000
"""Slots, over all layers, that another thread pays for: of 29,696 two threads take as long as one or longer, of 61,440
between .65 and .82 of the time, for waking a thread that sleeps costs some tenths of a millisecond."""


class Pipeline(NamedTuple):
    """The parts of a replicator and of a packer of GPUs, between which a fix-up changes nothing."""

    growth: Growth
    rule: PackRule

    @classmethod
    def of(cls, replicator: Any, fixup: Any, packer: Any, num_experts: int, num_slots: int) -> Pipeline | None:
        """Return the stages as a pipeline for rows of that many experts and slots; None where one has no part in it."""
        growth, unmoved, rule = (fused(stage, num_experts, num_slots) for stage in (replicator, fixup, packer))
        if isinstance(growth, Growth) and isinstance(unmoved, Unmoved) and isinstance(rule, PackRule):
            return cls(growth, rule)
        return None

    def place(self, load_LE: FloatArray, order_LE: IntArray, topology: Topology, threads: int) -> Replication:
        """Return the columns of all nodes in the order of their slots.

        Args:
            load_LE: tokens of each logical expert.
            order_LE: the experts of each layer in the order of the nodes that they are on; one row if all have it.
            topology: the machine.
            threads: how many may share the layers; the answer is the same for any number.
        """
        num_layers, num_experts = load_LE.shape
        check_slots(num_experts // topology.num_nodes, topology.slots_per_node)
        made = _fresh(num_layers, topology.num_slots, num_experts)
        parts = min(threads, num_layers, num_layers * topology.num_slots // SLOTS_A_THREAD + 1)
        load_LE, order_LE = ready(load_LE), ready(order_LE, np.int64)

        def part(number: int) -> None:
            rows = slice(num_layers * number // parts, num_layers * (number + 1) // parts)
            own_order = order_LE[rows] if order_LE.shape[0] == num_layers else order_LE
            self._place_rows(load_LE[rows], own_order, topology, Replication(*(array[rows] for array in made)))

        if parts == 1:
            part(0)
        else:
            list(_threads(parts, os.getpid()).map(part, range(parts)))
        return made

    def _place_rows(self, load_LE: FloatArray, order_LE: IntArray, topology: Topology, made: Replication) -> None:
        num_columns = topology.slots_per_node
        columns = Replication(made.phy2log.reshape(-1, num_columns), made.rank.reshape(-1, num_columns), made.logcnt)
        low, key_BQ = low_bits(num_columns), np.empty(columns.phy2log.shape, dtype=np.int64)
        _replicate(load_LE, order_LE, self.growth, low, columns, key_BQ)
        key_BQ.sort(axis=1)
        _assign(load_LE, order_LE, key_BQ, low, self.rule, columns, topology.gpus_per_node)


@cache
def _threads(number: int, process: int) -> ThreadPoolExecutor:
    """Return a pool of threads of this process: after a fork, the parent's are not there."""
    return ThreadPoolExecutor(number, thread_name_prefix="eplb-kernels")


def _fresh(num_layers: int, num_slots: int, num_experts: int) -> Replication:
    """Return ``[L, P]``, ``[L, P]`` and ``[L, E]``, empty, in one piece: the allocator keeps a single piece at hand."""
    slots, experts = num_layers * num_slots, num_layers * num_experts
    piece = np.empty(2 * slots + experts, dtype=np.int64)
    return Replication(*(part.reshape(num_layers, -1) for part in np.split(piece, [slots, 2 * slots])))


@kernel(void(FLOAT_ROWS, INT_ROWS, GROWTH, int64, REPLICATION, INT_ROWS))
def _replicate(
    load_LE: FloatArray,
    order_LE: IntArray,
    growth: Growth,
    low: int,
    columns: Replication,
    key_BQ: IntArray,
) -> None:
    """Fill the columns of every row, its counts in the order of the nodes, and the sort keys of its replicas."""
    num_nodes = key_BQ.shape[0] // load_LE.shape[0]
    num_experts = load_LE.shape[1] // num_nodes
    trees, load_D, average_D = new_trees(num_experts), np.empty(num_experts), np.empty(num_experts)
    bits_D = average_D.view(np.int64)
    for row in range(key_BQ.shape[0]):
        layer, first = row // num_nodes, row % num_nodes * num_experts
        order_E = order_LE[layer if order_LE.shape[0] > 1 else 0]
        for e in range(num_experts):
            load_D[e] = load_LE[layer, order_E[first + e]] + 0.0  # no negative zeros
        expert_Q, logcnt_D = columns.phy2log[row], columns.logcnt[layer, first : first + num_experts]
        grow(load_D, growth, expert_Q, columns.rank[row], logcnt_D, trees)
        for e in range(num_experts):
            average_D[e] = load_D[e] / logcnt_D[e]
        keys(bits_D, expert_Q, low, key_BQ[row])


@kernel(void(FLOAT_ROWS, INT_ROWS, INT_ROWS, int64, PACK_RULE, REPLICATION, int64))
def _assign(
    load_LE: FloatArray,
    order_LE: IntArray,
    key_BQ: IntArray,
    low: int,
    rule: PackRule,
    columns: Replication,
    num_packs: int,
) -> None:
    """Pack the columns of every row on its GPUs, and write them where their slots are, with the experts' own names."""
    num_rows, num_columns = key_BQ.shape
    num_nodes, slots_per_gpu = num_rows // load_LE.shape[0], num_columns // num_packs
    num_experts = load_LE.shape[1] // num_nodes
    weights_Q, average_D = np.empty(num_columns), np.empty(num_experts)
    order_Q, gpu_Q, place_Q = (
        np.empty(num_columns, np.int64),
        np.empty(num_columns, np.int64),
        np.empty(num_columns, np.int64),
    )
    expert_Q, copy_Q = np.empty(num_columns, np.int64), np.empty(num_columns, np.int64)
    room = new_pack_room(num_columns, num_packs)
    logcnt_E = np.empty(load_LE.shape[1], np.int64)
    for row in range(num_rows):
        layer, node = row // num_nodes, row % num_nodes
        first = node * num_experts
        order_E = order_LE[layer if order_LE.shape[0] > 1 else 0]
        if node == 0:
            logcnt_E[:] = columns.logcnt[layer]
            for e in range(order_E.size):
                columns.logcnt[layer, order_E[e]] = logcnt_E[e]
        for e in range(num_experts):
            average_D[e] = load_LE[layer, order_E[first + e]] / logcnt_E[first + e]
        expert_Q[:], copy_Q[:] = columns.phy2log[row], columns.rank[row]
        for column in range(num_columns):
            weights_Q[column] = average_D[expert_Q[column]]
        order(weights_Q, key_BQ[row], low, order_Q)
        pack(weights_Q, expert_Q, order_Q, rule, gpu_Q, place_Q, room)
        for column in range(num_columns):
            slot = gpu_Q[column] * slots_per_gpu + place_Q[column]
            columns.phy2log[row, slot] = order_E[first + expert_Q[column]]
            columns.rank[row, slot] = copy_Q[column]
