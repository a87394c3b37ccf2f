"""Dispatchers but the exact split, compiled; those that begin with another's shares call its kernel.

Shapes: L layers, E logical experts, P slots, G GPUs, Q places (an expert on a GPU).
"""

from __future__ import annotations

import numpy as np

from eplb_variants.checks import guarded
from eplb_variants.dispatch.late import Late
from eplb_variants.dispatch.rounded import Rounded
from eplb_variants.dispatch.sweeps import Sweeps
from eplb_variants.kernels import accelerate, compiles
from eplb_variants.kernels.compiled import kernel, ready
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import Placement


@compiles(Late)
def late(stage: Late, load: FloatArray, placement: Placement) -> FloatArray:
    """Answer as ``Late`` does."""
    return _found(stage, load, placement)


@compiles(Rounded)
def rounded(stage: Rounded, load: FloatArray, placement: Placement) -> FloatArray:
    """Answer as ``Rounded`` does."""
    return stage.in_whole_tokens(_found(stage, load, placement), load, placement)


def _found(stage: Late | Rounded, load: FloatArray, placement: Placement) -> FloatArray:
    """Return the shares of the dispatcher that another begins with, checked where it is somebody else's."""
    share_LP: FloatArray = guarded("dispatcher", stage.finder, accelerate(stage.finder))(load, placement)
    return share_LP


@compiles(Sweeps)
def sweeps(stage: Sweeps, load: FloatArray, placement: Placement) -> FloatArray:
    """Answer as ``Sweeps`` does."""
    share_LP = np.empty(placement.phy2log.shape)
    slots_LP, num_gpus = ready(placement.phy2log, np.int64), placement.topology.num_gpus
    _sweep_rows(ready(load), slots_LP, num_gpus, stage.sweeps, share_LP)
    return share_LP


@kernel("void(float64[:, ::1], int64[:, ::1], int64, int64, float64[:, ::1])")
def _sweep_rows(load_LE: FloatArray, phy2log_LP: IntArray, num_gpus: int, sweeps: int, share_LP: FloatArray) -> None:
    num_layers, num_experts = load_LE.shape
    num_slots = phy2log_LP.shape[1]
    size = num_slots // num_gpus
    first_E = np.empty(num_experts + 1, np.int64)
    copies_E = np.empty(num_experts, np.int64)
    last_E = np.empty(num_experts, np.int64)
    gpu_Q, copies_Q = np.empty(num_slots, np.int64), np.empty(num_slots, np.int64)
    place_P = np.empty(num_slots, np.int64)
    tokens_Q, others_Q, sorted_Q = np.empty(num_slots), np.empty(num_slots), np.empty(num_slots)
    gpu_G = np.empty(num_gpus)
    for layer in range(num_layers):
        slots_P, load_E = phy2log_LP[layer], load_LE[layer]
        # places of each expert, in the order of experts and GPUs
        first_E[:] = 0
        copies_E[:] = 0
        last_E[:] = -1
        for slot in range(num_slots):
            expert = slots_P[slot]
            copies_E[expert] += 1
            if last_E[expert] != slot // size:
                last_E[expert] = slot // size
                first_E[expert + 1] += 1
        for expert in range(num_experts):
            first_E[expert + 1] += first_E[expert]
        last_E[:] = -1
        for slot in range(num_slots):
            expert = slots_P[slot]
            place = first_E[expert]
            if last_E[expert] >= 0:
                place = last_E[expert]
                if gpu_Q[place] != slot // size:
                    place += 1
            if last_E[expert] != place:
                gpu_Q[place], copies_Q[place] = slot // size, 0
                last_E[expert] = place
            copies_Q[place] += 1
            place_P[slot] = place
        gpu_G[:] = 0.0
        for expert in range(num_experts):
            for place in range(first_E[expert], first_E[expert + 1]):
                tokens_Q[place] = load_E[expert] / copies_E[expert] * copies_Q[place]
                gpu_G[gpu_Q[place]] += tokens_Q[place]
        for _ in range(sweeps):
            for expert in range(num_experts):
                first, end = first_E[expert], first_E[expert + 1]
                if end - first < 2 or load_E[expert] <= 0.0:
                    continue
                count = end - first
                for place in range(first, end):
                    others_Q[place] = gpu_G[gpu_Q[place]] - tokens_Q[place]
                    at = place - first  # sorted by insertion: an expert has few places
                    while at > 0 and sorted_Q[at - 1] > others_Q[place]:
                        sorted_Q[at] = sorted_Q[at - 1]
                        at -= 1
                    sorted_Q[at] = others_Q[place]
                filled, level = load_E[expert], 0.0
                for number in range(1, count + 1):
                    filled += sorted_Q[number - 1]
                    level = filled / number
                    if number == count or level <= sorted_Q[number]:
                        break
                for place in range(first, end):
                    tokens_Q[place] = max(level - others_Q[place], 0.0)
                    gpu_G[gpu_Q[place]] = others_Q[place] + tokens_Q[place]
        for expert in range(num_experts):
            total = 0.0
            for place in range(first_E[expert], first_E[expert + 1]):
                total += tokens_Q[place]
            for place in range(first_E[expert], first_E[expert + 1]):
                if total > 0.0:
                    others_Q[place] = tokens_Q[place] / total / copies_Q[place]
                else:
                    others_Q[place] = 1.0 / copies_E[expert]
        for slot in range(num_slots):
            share_LP[layer, slot] = others_Q[place_P[slot]]
