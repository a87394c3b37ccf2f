"""The sums that the metrics are made of, compiled: each layer of a placement is gone through once.

One file, calling nothing in another: Numba knows by it alone whether what it kept is still right.
Shapes: L layers, E logical experts, P slots, G GPUs, N nodes, Q groups.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eplb_variants.kernels.compiled import kernel
from eplb_variants.loads import FloatArray, IntArray

USED, GPU_MEAN, GPU_PEAK, NODE_MEAN, NODE_PEAK, SLOT_MEAN, SLOT_PEAK, GPU_RATIO = range(8)
"""What ``balance_sums`` adds up over layers: layers with load; means and peaks; mean over peak of GPUs."""


@kernel("float64[::1](float64[:, ::1], int64[:, ::1], float64[::1], int64)")
def balance_sums(load_LE: FloatArray, phy2log_LP: IntArray, speed_G: FloatArray, num_nodes: int) -> FloatArray:
    """Return the eight sums over the layers with load, each expert's tokens shared evenly by its replicas.

    Peaks are those of load over ``speed [G]``, whose mean is 1.
    """
    num_layers, num_experts = load_LE.shape
    num_slots, num_gpus = phy2log_LP.shape[1], speed_G.size
    slots_per_gpu, gpus_per_node = num_slots // num_gpus, num_gpus // num_nodes
    sums, share_E, logcnt_E = np.zeros(8), np.empty(num_experts), np.empty(num_experts, dtype=np.int64)
    for layer in range(num_layers):
        total = 0.0
        for e in range(num_experts):
            total += load_LE[layer, e]
        if total == 0.0:
            continue
        logcnt_E[:] = 0
        for slot in range(num_slots):
            logcnt_E[phy2log_LP[layer, slot]] += 1
        for e in range(num_experts):
            share_E[e] = load_LE[layer, e] / logcnt_E[e]
        slot, all_slots, slot_peak, gpu_peak, node_peak, node, speed = 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for gpu in range(num_gpus):
            if gpu % gpus_per_node == 0:
                node, speed = 0.0, 0.0
            on_gpu = 0.0
            for slot in range(gpu * slots_per_gpu, (gpu + 1) * slots_per_gpu):
                share = share_E[phy2log_LP[layer, slot]]
                on_gpu += share
                slot_peak = max(slot_peak, share / speed_G[gpu])
            node += on_gpu
            speed += speed_G[gpu]
            all_slots += on_gpu
            gpu_peak = max(gpu_peak, on_gpu / speed_G[gpu])
            if (gpu + 1) % gpus_per_node == 0:
                node_peak = max(node_peak, node / (speed / gpus_per_node))
        sums[USED] += 1
        sums[GPU_MEAN] += all_slots / num_gpus
        sums[GPU_PEAK] += gpu_peak
        sums[NODE_MEAN] += all_slots / num_nodes
        sums[NODE_PEAK] += node_peak
        sums[SLOT_MEAN] += all_slots / num_slots
        sums[SLOT_PEAK] += slot_peak
        sums[GPU_RATIO] += all_slots / num_gpus / gpu_peak
    return sums


@kernel("int64(int64[:, ::1], int64[:, ::1], int64, int64, boolean[::1])")
def slots_moved(
    before_LP: IntArray, after_LP: IntArray, num_gpus: int, num_experts: int, used_L: NDArray[np.bool_]
) -> int:
    """Return how many slots of the used layers hold an expert that was not on their GPU before."""
    slots_per_gpu = after_LP.shape[1] // num_gpus
    seen_E, mark, moved = np.full(num_experts, -1), 0, 0
    for layer in range(after_LP.shape[0]):
        if not used_L[layer]:
            continue
        for gpu in range(num_gpus):
            mark += 1
            own = slice(gpu * slots_per_gpu, (gpu + 1) * slots_per_gpu)
            for expert in before_LP[layer, own]:
                seen_E[expert] = mark
            for expert in after_LP[layer, own]:
                moved += seen_E[expert] != mark
    return moved


@kernel("int64(int64[:, ::1], int64, int64, boolean[::1])")
def second_copies(phy2log_LP: IntArray, num_gpus: int, num_experts: int, used_L: NDArray[np.bool_]) -> int:
    """Return how many slots of the used layers hold an expert that an earlier slot of their GPU holds already."""
    slots_per_gpu = phy2log_LP.shape[1] // num_gpus
    seen_E, mark, second = np.full(num_experts, -1), 0, 0
    for layer in range(phy2log_LP.shape[0]):
        if not used_L[layer]:
            continue
        for gpu in range(num_gpus):
            mark += 1
            for expert in phy2log_LP[layer, gpu * slots_per_gpu : (gpu + 1) * slots_per_gpu]:
                second += seen_E[expert] == mark
                seen_E[expert] = mark
    return second


@kernel("int64(int64[:, ::1], int64, int64, int64, boolean[::1])")
def local_groups(
    phy2log_LP: IntArray, num_nodes: int, num_groups: int, num_experts: int, used_L: NDArray[np.bool_]
) -> int:
    """Return how many groups of the used layers lie on one node with all their replicas."""
    num_slots, group_size = phy2log_LP.shape[1], num_experts // num_groups
    slots_per_node, group_E = num_slots // num_nodes, np.arange(num_experts) // group_size
    node_Q, local = np.empty(num_groups, dtype=np.int64), 0
    for layer in range(phy2log_LP.shape[0]):
        if not used_L[layer]:
            continue
        node_Q[:] = -1
        for slot in range(num_slots):
            group, node = group_E[phy2log_LP[layer, slot]], slot // slots_per_node
            if node_Q[group] == -1:
                node_Q[group] = node
            elif node_Q[group] != node:
                node_Q[group] = -2  # on several
        for group in range(num_groups):
            local += node_Q[group] >= 0
    return local


@kernel("boolean(int64[:, ::1], int64[:, ::1], int64)")
def is_sound(phy2log_LP: IntArray, rank_LP: IntArray, num_experts: int) -> bool:
    """Return whether every layer has each expert, and numbers its copies from 0 without gaps."""
    num_layers, num_slots = phy2log_LP.shape
    logcnt_E, first_E = np.empty(num_experts, dtype=np.int64), np.empty(num_experts, dtype=np.int64)
    taken_P = np.full(num_slots, -1)  # by which layer, if the copies of each expert lay side by side
    for layer in range(num_layers):
        logcnt_E[:] = 0
        for expert in phy2log_LP[layer]:
            if expert < 0 or expert >= num_experts:
                return False
            logcnt_E[expert] += 1
        first = 0
        for expert in range(num_experts):
            if logcnt_E[expert] == 0:
                return False
            first_E[expert] = first
            first += logcnt_E[expert]
        for slot in range(num_slots):
            expert, rank = phy2log_LP[layer, slot], rank_LP[layer, slot]
            if rank < 0 or rank >= logcnt_E[expert] or taken_P[first_E[expert] + rank] == layer:
                return False
            taken_P[first_E[expert] + rank] = layer
    return True
