"""From packed columns to slots, compiled: every entry is moved once.

Shapes: L layers, E logical experts, P slots, B rows (layers x nodes), Q columns of a row.
"""

from __future__ import annotations

import numpy as np

from eplb_variants.contracts import Packing, Replication
from eplb_variants.kernels.compiled import kernel, ready
from eplb_variants.loads import IntArray
from eplb_variants.topology import Topology


def to_slots(replication: Replication, packing: Packing, order_LE: IntArray, topology: Topology) -> Replication:
    """Answer as ``eplb_variants.hierarchy.to_slots`` does."""
    num_layers, num_experts = order_LE.shape
    phy2log_LP, rank_LP = (np.empty((num_layers, topology.num_slots), dtype=np.int64) for _ in range(2))
    logcnt_LE = np.empty((num_layers, num_experts), dtype=np.int64)
    columns = [ready(array, np.int64) for array in (*replication, *packing, order_LE)]
    _move(*columns, topology.num_nodes, topology.slots_per_gpu, phy2log_LP, rank_LP, logcnt_LE)
    return Replication(phy2log_LP, rank_LP, logcnt_LE)


@kernel(
    "void(int64[:, ::1], int64[:, ::1], int64[:, ::1], int64[:, ::1], int64[:, ::1], int64[:, ::1], int64, int64, "
    "int64[:, ::1], int64[:, ::1], int64[:, ::1])"
)
def _move(
    expert_BQ: IntArray,
    rank_BQ: IntArray,
    count_BE: IntArray,
    gpu_BQ: IntArray,
    place_BQ: IntArray,
    order_LE: IntArray,
    num_nodes: int,
    slots_per_gpu: int,
    phy2log_LP: IntArray,
    slot_rank_LP: IntArray,
    logcnt_LE: IntArray,
) -> None:
    num_rows, num_columns = expert_BQ.shape
    experts_per_node = order_LE.shape[1] // num_nodes
    for row in range(num_rows):
        layer, node = row // num_nodes, row % num_nodes
        first_slot, first_expert = node * num_columns, node * experts_per_node
        for column in range(num_columns):
            slot = first_slot + gpu_BQ[row, column] * slots_per_gpu + place_BQ[row, column]
            phy2log_LP[layer, slot] = order_LE[layer, first_expert + expert_BQ[row, column]]
            slot_rank_LP[layer, slot] = rank_BQ[row, column]
        for expert in range(experts_per_node):
            logcnt_LE[layer, order_LE[layer, first_expert + expert]] = count_BE[row, expert]
