"""Copies removed, swapped and added between the fullest and the emptiest GPU, as omni-infer does.

Shapes: L layers, E logical experts, G GPUs, S slots of a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eplb_variants.contracts import Replication
from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.peers.in_force import in_force, settled
from eplb_variants.placement import Placement
from eplb_variants.registry import register
from eplb_variants.topology import Topology


@register("placer", "omni", "copies removed, swapped and added between the fullest and the emptiest GPU")
@dataclass(frozen=True)
class Omni:
    """Change what is in force step by step, by the ratio of the fullest GPU's load to the emptiest's.

    First redundant copies on GPUs above the mean are removed where that lowers the ratio. Then, by turns, the fullest
    GPU swaps an expert with any other or gets a copy of it put in place of a redundant or removed one, and the emptiest
    swaps one, each time what lowers the ratio most. It ends at a ratio below ``near``, after ``steps``, or when two
    turns in a row found nothing. This is the greedy planner of omni-infer (Huawei, 2025) for one load; it averages the
    loads that it sees, which is a forecaster's work here. A slot that it leaves empty goes on holding what it held, and
    at first every expert is at home by number.

    Args:
        near: ratio of the fullest to the emptiest GPU from which on nothing is swapped or added; 1 or more.
        steps: most swaps and additions of a layer, 0 or more.
        copies: most copies of an expert that gets another, 1 or more.
    """

    near: float = 1.1
    steps: int = 32
    copies: int = 10

    def __post_init__(self) -> None:
        if not self.near >= 1:
            raise EplbError(f"near is {self.near}: it is a ratio of loads, 1 or more")
        if self.steps < 0:
            raise EplbError(f"steps is {self.steps}: it must be 0 or more")
        if self.copies < 1:
            raise EplbError(f"copies is {self.copies}: it must be 1 or more")

    def __call__(self, load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
        """Return the placement for ``load [L, E]``; UnfitError where there are fewer slots than experts."""
        return self.placed(greedily, load, topology, previous)

    def placed(
        self,
        change: Callable[[float, int, int, FloatArray, IntArray], None],
        load: FloatArray,
        topology: Topology,
        previous: Placement | None,
    ) -> Replication:
        """Return what ``__call__`` does, ``change`` changing the slots of a layer."""
        before_LGS = in_force(load, topology, previous)
        slots_LGS = before_LGS.copy()
        for load_E, slots_GS in zip(load, slots_LGS, strict=True):
            change(self.near, self.steps, self.copies, load_E, slots_GS)
        return settled(slots_LGS, before_LGS, load.shape[1])


def greedily(near: float, steps: int, most: int, load_E: FloatArray, slots_GS: IntArray) -> None:
    """Change the slots of a layer in place. A ratio is maximum over minimum of GPUs, each at least one token."""
    num_gpus, size = slots_GS.shape
    held_GS = slots_GS.copy()
    copies_E = np.zeros(load_E.size, dtype=np.int64)
    on_EG = np.zeros((load_E.size, num_gpus), dtype=np.int64)
    for gpu in range(num_gpus):
        for place in range(size):
            copies_E[slots_GS[gpu, place]] += 1
            on_EG[slots_GS[gpu, place], gpu] += 1
    load_G, trial_G, total = np.zeros(num_gpus), np.zeros(num_gpus), 0.0
    for gpu in range(num_gpus):
        for place in range(size):
            load_G[gpu] += load_E[slots_GS[gpu, place]] / copies_E[slots_GS[gpu, place]]
        total += load_G[gpu]
    mean = total / num_gpus
    ratio = max(load_G.max(), 1.0) / max(load_G.min(), 1.0)
    is_done_G = np.zeros(num_gpus, dtype=np.int64)
    while True:  # redundant copies on GPUs above the mean, the fullest first
        full = -1
        for gpu in range(num_gpus):
            if not is_done_G[gpu] and (full < 0 or load_G[gpu] > load_G[full]):
                full = gpu
        if full < 0 or load_G[full] <= mean:
            break
        is_done_G[full] = 1
        for place in range(size):
            expert = slots_GS[full, place]
            if load_G[full] < mean or expert < 0 or copies_E[expert] < 2:
                continue
            each = load_E[expert] / copies_E[expert]
            more = each / (copies_E[expert] - 1)
            for gpu in range(num_gpus):
                trial_G[gpu] = load_G[gpu] + more * on_EG[expert, gpu]
            trial_G[full] -= each + more
            now = max(trial_G.max(), 1.0) / max(trial_G.min(), 1.0)
            if now < ratio:
                ratio = now
                load_G[:] = trial_G
                slots_GS[full, place] = -1
                copies_E[expert] -= 1
                on_EG[expert, full] -= 1
    failed = 0
    for step in range(steps):
        if failed == 2 or ratio < near:
            break
        is_full = step % 2 == 0
        one = load_G.argmax() if is_full else load_G.argmin()
        order_G = np.argsort(load_G, kind="mergesort")
        best, place_of, gpu_of, there_of, adds = ratio, -1, -1, -1, False
        for gpu in range(num_gpus):
            if gpu == one:
                continue
            low, high = 0, num_gpus - 1  # the emptiest and the fullest of the others
            while low < num_gpus and (order_G[low] == one or order_G[low] == gpu):
                low += 1
            while high >= 0 and (order_G[high] == one or order_G[high] == gpu):
                high -= 1
            for place in range(size):
                own = slots_GS[one, place]
                if own < 0 and is_full:
                    continue
                gives = load_E[own] / copies_E[own] if own >= 0 else 0.0
                for there in range(size):
                    other = slots_GS[gpu, there]
                    if own == other or (other < 0 and not is_full):
                        continue
                    takes = load_E[other] / copies_E[other] if other >= 0 else 0.0
                    if (takes > gives) if is_full else (takes < gives):
                        continue
                    first, second = load_G[one] - gives + takes, load_G[gpu] - takes + gives
                    least, largest = min(first, second), max(first, second)
                    if low < num_gpus:
                        least, largest = min(least, load_G[order_G[low]]), max(largest, load_G[order_G[high]])
                    now = max(largest, 1.0) / max(least, 1.0)
                    if now < best:
                        best, place_of, gpu_of, there_of, adds = now, place, gpu, there, False
                    if not is_full or copies_E[own] > most or (other >= 0 and copies_E[other] < 2):
                        continue
                    each = load_E[own] / (copies_E[own] + 1)
                    less = each / copies_E[own]
                    for each_gpu in range(num_gpus):
                        trial_G[each_gpu] = load_G[each_gpu] - less * on_EG[own, each_gpu]
                    trial_G[gpu] += each
                    if other >= 0:
                        more = takes / (copies_E[other] - 1)
                        for each_gpu in range(num_gpus):
                            trial_G[each_gpu] += more * on_EG[other, each_gpu]
                        trial_G[gpu] -= takes + more
                    now = max(trial_G.max(), 1.0) / max(trial_G.min(), 1.0)
                    if now < best:
                        best, place_of, gpu_of, there_of, adds = now, place, gpu, there, True
        if place_of < 0:
            failed += 1
            continue
        failed = 0
        own, other = slots_GS[one, place_of], slots_GS[gpu_of, there_of]
        slots_GS[gpu_of, there_of] = own
        if own >= 0:
            on_EG[own, gpu_of] += 1
        if other >= 0:
            on_EG[other, gpu_of] -= 1
        if adds:
            copies_E[own] += 1
            if other >= 0:
                copies_E[other] -= 1
        else:
            slots_GS[one, place_of] = other
            if own >= 0:
                on_EG[own, one] -= 1
            if other >= 0:
                on_EG[other, one] += 1
        load_G[:] = 0.0
        for gpu in range(num_gpus):
            for place in range(size):
                if slots_GS[gpu, place] >= 0:
                    load_G[gpu] += load_E[slots_GS[gpu, place]] / copies_E[slots_GS[gpu, place]]
        ratio = max(load_G.max(), 1.0) / max(load_G.min(), 1.0)
    for gpu in range(num_gpus):
        for place in range(size):
            if slots_GS[gpu, place] < 0:
                slots_GS[gpu, place] = held_GS[gpu, place]
