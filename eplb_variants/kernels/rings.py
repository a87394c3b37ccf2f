"""The hot ring, compiled. Shapes: L layers, E logical experts, P slots, G GPUs."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numba import float64, int64, void

from eplb_variants.contracts import Replication
from eplb_variants.kernels import compiles
from eplb_variants.kernels.compiled import FLOAT_ROWS, FLOATS, INT_ROWS, INTS, kernel, ready
from eplb_variants.kernels.flow import flow
from eplb_variants.kernels.order import heaviest_first
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import Placement, count_replicas, number_replicas
from eplb_variants.rings.hot_ring import SLACK, HotRing, strides
from eplb_variants.rings.still import Still
from eplb_variants.topology import Topology


@compiles(HotRing)
def hot_ring(stage: HotRing, load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
    """Answer as ``HotRing`` does."""
    num_layers, num_experts = load.shape
    topology.check_experts(num_experts)
    if topology.num_slots - num_experts < topology.num_gpus:
        return stage.packed(load, topology, previous)
    slots_LP = np.empty((num_layers, topology.num_slots), dtype=np.int64)
    order_LE = heaviest_first(load)
    _ring_rows(
        ready(load), order_LE, float(stage.theta), strides(topology.num_gpus), topology.relative_speeds, slots_LP
    )
    return Replication(slots_LP, number_replicas(slots_LP), count_replicas(slots_LP, num_experts))


@kernel(int64(FLOATS, INTS, float64, int64, int64, INTS))
def _shared(load_E: FloatArray, order_E: IntArray, theta: float, num_gpus: int, left: int, copies_E: IntArray) -> int:
    """Write the copies of the shared experts, 0 for the others; return how many experts are shared."""
    total = 0.0
    for load in load_E:
        total += load
    most = theta * (total / num_gpus)
    copies_E[:] = 0
    count = 0
    while left > 0:
        expert = order_E[count]
        wanted = math.ceil(min(load_E[expert] / most - SLACK, num_gpus)) if most > 0 else 2
        copies_E[expert] = min(max(2, wanted), left + 1)
        left -= copies_E[expert] - 1
        count += 1
        if count == order_E.size:
            break
    for _ in range(left):
        best = 0
        for expert in range(1, load_E.size):
            if load_E[expert] / copies_E[expert] > load_E[best] / copies_E[best]:
                best = expert
        copies_E[best] += 1
    return count


@kernel(int64(int64, int64, int64, INTS, INTS))
def _next_with_room(gpu: int, expert: int, size: int, slots_P: IntArray, held_G: IntArray) -> int:
    num_gpus, first_open = held_G.size, -1
    for step in range(num_gpus):
        other = (gpu + step) % num_gpus
        if held_G[other] == size:
            continue
        first_open = other if first_open < 0 else first_open
        there = False
        for slot in range(other * size, other * size + held_G[other]):
            there |= slots_P[slot] == expert
        if not there:
            return other
    return first_open


@kernel(int64(FLOATS, INTS, int64))
def _lightest(full_G: FloatArray, held_G: IntArray, size: int) -> int:
    best = -1
    for gpu in range(held_G.size):
        if held_G[gpu] < size and (best < 0 or full_G[gpu] < full_G[best]):
            best = gpu
    return best


@kernel(void(FLOATS, INTS, INTS, int64, INTS, INTS, INTS, FLOATS, FLOATS))
def _ring(
    load_E: FloatArray,
    order_E: IntArray,
    copies_E: IntArray,
    count: int,
    stride_T: IntArray,
    slots_P: IntArray,
    held_G: IntArray,
    full_G: FloatArray,
    speed_G: FloatArray,
) -> None:
    num_gpus, size = held_G.size, slots_P.size // held_G.size
    held_G[:], full_G[:] = 0, 0.0
    position = 0
    for i in range(count):
        expert = order_E[i // 2] if i % 2 == 0 else order_E[count - 1 - i // 2]
        copies = copies_E[expert]
        for place in range(position, position + copies):
            gpu = place % num_gpus * stride_T[place // num_gpus % stride_T.size] % num_gpus
            gpu = _next_with_room(gpu, expert, size, slots_P, held_G)
            slots_P[gpu * size + held_G[gpu]] = expert
            held_G[gpu] += 1
            full_G[gpu] += load_E[expert] / copies / speed_G[gpu]
        position += copies - 1
    for expert in order_E:
        if copies_E[expert] == 0:
            gpu = _lightest(full_G, held_G, size)
            slots_P[gpu * size + held_G[gpu]] = expert
            held_G[gpu] += 1
            full_G[gpu] += load_E[expert] / speed_G[gpu]


@kernel(void(FLOAT_ROWS, INT_ROWS, float64, INTS, FLOATS, INT_ROWS))
def _ring_rows(
    load_LE: FloatArray, order_LE: IntArray, theta: float, stride_T: IntArray, speed_G: FloatArray, slots_LP: IntArray
) -> None:
    num_experts, num_gpus = load_LE.shape[1], speed_G.size
    copies_E, held_G, full_G = np.empty(num_experts, np.int64), np.empty(num_gpus, np.int64), np.empty(num_gpus)
    for row in range(load_LE.shape[0]):
        left = slots_LP.shape[1] - num_experts
        count = _shared(load_LE[row], order_LE[row], theta, num_gpus, left, copies_E)
        _ring(load_LE[row], order_LE[row], copies_E, count, stride_T, slots_LP[row], held_G, full_G, speed_G)


@compiles(Still)
def still(stage: Still, load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
    """Answer as ``Still`` does."""
    return stage.placed(partial(hot_ring, stage.fresh), partial(flow, None), load, topology, previous)
