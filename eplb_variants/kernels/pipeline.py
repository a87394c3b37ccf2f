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

from eplb_variants.contracts import Replication
from eplb_variants.fixup.k_move import KMove
from eplb_variants.fixup.none import none
from eplb_variants.kernels.compiled import kernel, ready
from eplb_variants.kernels.fixup import FEWEST_WITHOUT_MOVES
from eplb_variants.kernels.order import keys, low_bits, order
from eplb_variants.kernels.packing import BLIND, new_room, pack
from eplb_variants.kernels.replication import check_slots, grow, hybrid_tail
from eplb_variants.kernels.tree import new_tree
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.packing.diverse import Diverse
from eplb_variants.packing.greedy import Greedy
from eplb_variants.replication.dhondt import dhondt
from eplb_variants.replication.hybrid import Hybrid
from eplb_variants.topology import Topology

SLOTS_A_THREAD = 30_000
"""Slots, over all layers, that another thread pays for: of 29,696 two threads take as long as one or longer, of 61,440
between .65 and .82 of the time, for waking a thread that sleeps costs some tenths of a millisecond."""


class Pipeline(NamedTuple):
    """A replicator, a fix-up and a packer of GPUs, as the kernels know them."""

    replicator: Any
    fixup: Any
    packer: Any

    @classmethod
    def of(cls, replicator: Any, fixup: Any, packer: Any, num_experts: int) -> Pipeline | None:
        """Return the stages as a pipeline for rows of ``num_experts``; None where one has no place in it."""
        replicates = replicator is dhondt or type(replicator) is Hybrid
        fixes = fixup is none or (type(fixup) is KMove and num_experts >= FEWEST_WITHOUT_MOVES)
        return cls(replicator, fixup, packer) if replicates and fixes and type(packer) in (Greedy, Diverse) else None

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
        phy2log_LP, rank_LP, logcnt_LE = _fresh(num_layers, topology.num_slots, num_experts)
        parts = min(threads, num_layers, num_layers * topology.num_slots // SLOTS_A_THREAD + 1)
        load_LE, order_LE = ready(load_LE), ready(order_LE, np.int64)

        def part(number: int) -> None:
            rows = slice(num_layers * number // parts, num_layers * (number + 1) // parts)
            own_order = order_LE[rows] if order_LE.shape[0] == num_layers else order_LE
            self._place_rows(load_LE[rows], own_order, topology, phy2log_LP[rows], rank_LP[rows], logcnt_LE[rows])

        if parts == 1:
            part(0)
        else:
            list(_threads(parts, os.getpid()).map(part, range(parts)))
        return Replication(phy2log_LP, rank_LP, logcnt_LE)

    def _place_rows(
        self,
        load_LE: FloatArray,
        order_LE: IntArray,
        topology: Topology,
        phy2log_LP: IntArray,
        rank_LP: IntArray,
        logcnt_LE: IntArray,
    ) -> None:
        num_nodes, num_columns = topology.num_nodes, topology.slots_per_node
        num_experts = load_LE.shape[1] // num_nodes
        out = (phy2log_LP.reshape(-1, num_columns), rank_LP.reshape(-1, num_columns), logcnt_LE)
        tail = hybrid_tail(self.replicator, num_experts, num_columns) if type(self.replicator) is Hybrid else 0
        low, key_BQ = low_bits(num_columns), np.empty(out[0].shape, dtype=np.int64)
        _replicate(load_LE, order_LE, tail, low, *out, key_BQ, *new_tree(num_experts), *new_tree(num_experts))
        key_BQ.sort(axis=1)
        looks = type(self.packer) is Diverse
        settings = (self.packer.tie_eps, self.packer.label_penalty) if looks else (BLIND, 0.0)
        room = (*new_tree(topology.gpus_per_node), *new_room(num_columns, topology.gpus_per_node))
        _assign(load_LE, order_LE, key_BQ, low, self.packer.refine_steps, *settings, *out, *room)


@cache
def _threads(number: int, process: int) -> ThreadPoolExecutor:
    """Return a pool of threads of this process: after a fork, the parent's are not there."""
    return ThreadPoolExecutor(number, thread_name_prefix="eplb-kernels")


def _fresh(num_layers: int, num_slots: int, num_experts: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return ``[L, P]``, ``[L, P]`` and ``[L, E]``, empty, in one piece: the allocator keeps a single piece at hand."""
    slots, experts = num_layers * num_slots, num_layers * num_experts
    piece = np.empty(2 * slots + experts, dtype=np.int64)
    first, second, third = np.split(piece, [slots, 2 * slots])
    return first.reshape(num_layers, -1), second.reshape(num_layers, -1), third.reshape(num_layers, -1)


@kernel(
    "void(float64[:, ::1], int64[:, ::1], int64, int64, int64[:, ::1], int64[:, ::1], int64[:, ::1], int64[:, ::1], "
    "float64[::1], int64[::1], int64[::1], float64[::1], int64[::1], int64[::1])"
)
def _replicate(
    load_LE: FloatArray,
    order_LE: IntArray,
    tail: int,
    low: int,
    phy2log_BQ: IntArray,
    rank_BQ: IntArray,
    logcnt_LE: IntArray,
    key_BQ: IntArray,
    average: FloatArray,
    key: IntArray,
    winner: IntArray,
    odd: FloatArray,
    odd_key: IntArray,
    odd_winner: IntArray,
) -> None:
    """Fill the columns of every row, its counts in the order of the nodes, and the sort keys of its replicas."""
    num_nodes = phy2log_BQ.shape[0] // load_LE.shape[0]
    num_experts = load_LE.shape[1] // num_nodes
    load_D, average_D = np.empty(num_experts), np.empty(num_experts)
    bits_D = average_D.view(np.int64)
    for row in range(phy2log_BQ.shape[0]):
        layer, first = row // num_nodes, row % num_nodes * num_experts
        order_E = order_LE[layer if order_LE.shape[0] > 1 else 0]
        for e in range(num_experts):
            load_D[e] = load_LE[layer, order_E[first + e]] + 0.0  # no negative zeros
        logcnt_D = logcnt_LE[layer, first : first + num_experts]
        columns = (phy2log_BQ[row], rank_BQ[row], logcnt_D)
        grow(load_D, tail, *columns, average, key, winner, odd, odd_key, odd_winner)
        for e in range(num_experts):
            average_D[e] = load_D[e] / logcnt_D[e]
        keys(bits_D, phy2log_BQ[row], low, key_BQ[row])


@kernel(
    "void(float64[:, ::1], int64[:, ::1], int64[:, ::1], int64, int64, float64, float64, int64[:, ::1], "
    "int64[:, ::1], int64[:, ::1], float64[::1], int64[::1], int64[::1], float64[::1], int64[::1])"
)
def _assign(
    load_LE: FloatArray,
    order_LE: IntArray,
    key_BQ: IntArray,
    low: int,
    steps: int,
    tie_eps: float,
    penalty: float,
    phy2log_BQ: IntArray,
    rank_BQ: IntArray,
    logcnt_LE: IntArray,
    load: FloatArray,
    key: IntArray,
    winner: IntArray,
    load_K: FloatArray,
    room: IntArray,
) -> None:
    """Pack the columns of every row on its GPUs, and write them where their slots are, with the experts' own names."""
    num_columns = phy2log_BQ.shape[1]
    num_nodes, slots_per_gpu = phy2log_BQ.shape[0] // load_LE.shape[0], num_columns // load_K.size
    num_experts = load_LE.shape[1] // num_nodes
    weights_Q, average_D = np.empty(num_columns), np.empty(num_experts)
    order_Q, gpu_Q, place_Q = (
        np.empty(num_columns, np.int64),
        np.empty(num_columns, np.int64),
        np.empty(num_columns, np.int64),
    )
    expert_Q, copy_Q = np.empty(num_columns, np.int64), np.empty(num_columns, np.int64)
    logcnt_E = np.empty(load_LE.shape[1], dtype=np.int64)
    for row in range(phy2log_BQ.shape[0]):
        layer, node = row // num_nodes, row % num_nodes
        first = node * num_experts
        order_E = order_LE[layer if order_LE.shape[0] > 1 else 0]
        if node == 0:
            logcnt_E[:] = logcnt_LE[layer]
            for e in range(order_E.size):
                logcnt_LE[layer, order_E[e]] = logcnt_E[e]
        for e in range(num_experts):
            average_D[e] = load_LE[layer, order_E[first + e]] / logcnt_E[first + e]
        expert_Q[:], copy_Q[:] = phy2log_BQ[row], rank_BQ[row]
        for column in range(num_columns):
            weights_Q[column] = average_D[expert_Q[column]]
        order(weights_Q, key_BQ[row], low, order_Q)
        pack(weights_Q, expert_Q, order_Q, steps, tie_eps, penalty, gpu_Q, place_Q, load, key, winner, load_K, room)
        for column in range(num_columns):
            slot = gpu_Q[column] * slots_per_gpu + place_Q[column]
            phy2log_BQ[row, slot] = order_E[first + expert_Q[column]]
            rank_BQ[row, slot] = copy_Q[column]
