"""Redundant slots anew, then swaps from the fullest GPU, one weight at most between two GPUs, as SwiftBalancer does.

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

Change = Callable[[float, float, int, FloatArray, IntArray, FloatArray], None]
"""``rebalanced``, or its kernel."""


@register("placer", "swift_balancer", "redundant slots anew, then swaps from the fullest GPU; few weights move")
@dataclass(frozen=True)
class SwiftBalancer:
    """Change what is in force by at most one weight from any GPU to any other.

    Each expert's first slot, GPUs going by turns, stays. Redundant slots go to the experts with the largest
    load / (copies + 1), the hottest first, each on the GPU with least load that lacks it. Then an expert of the fullest
    GPU is swapped with one of the emptiest for which that lowers the higher of their loads by ``increment`` of the
    mean. A layer that is within ``balanced`` of the mean stays as it is, and one whose peak would not fall. All layers
    stay where the sum of their peaks would not fall by ``least``. This is SwiftBalancer of vllm-ascend (2025), with its
    estimate that a copy has 2 / (copies + 1) of its expert's load; all GPUs are one node, and at first every expert is
    at home by number.

    Args:
        increment: what a swap must gain, as a part of the mean load of a GPU; 0 or more.
        balanced: maximum over mean of GPUs below which a layer is left alone; 1 or more.
        least: part by which the sum of the layers' peaks must fall, from 0 to below 1.
        swaps: most swaps of a layer, 0 or more.
    """

    increment: float = 0.01
    balanced: float = 1.01
    least: float = 0.05
    swaps: int = 100

    def __post_init__(self) -> None:
        if not self.increment >= 0:
            raise EplbError(f"increment is {self.increment}: it is a part of the mean load, 0 or more")
        if not self.balanced >= 1:
            raise EplbError(f"balanced is {self.balanced}: it is a multiple of the mean load, 1 or more")
        if not 0 <= self.least < 1:
            raise EplbError(f"least is {self.least}: it must be 0 or more and below 1")
        if self.swaps < 0:
            raise EplbError(f"swaps is {self.swaps}: it must be 0 or more")

    def __call__(self, load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
        """Return the placement for ``load [L, E]``; UnfitError where there are fewer slots than experts."""
        return self.placed(rebalanced, load, topology, previous)

    def placed(self, change: Change, load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
        """Return what ``__call__`` does, ``change`` changing the slots of a layer."""
        before_LGS = in_force(load, topology, previous)
        slots_LGS, peak_L2 = before_LGS.copy(), np.zeros((len(load), 2))
        for load_E, slots_GS, peak_2 in zip(load, slots_LGS, peak_L2, strict=True):
            change(self.balanced, self.increment, self.swaps, load_E, slots_GS, peak_2)
        before, after = peak_L2.sum(axis=0)
        return settled(slots_LGS if after < (1 - self.least) * before else before_LGS, before_LGS, load.shape[1])


def rebalanced(
    balanced: float, increment: float, swaps: int, load_E: FloatArray, slots_GS: IntArray, peak_2: FloatArray
) -> None:
    """Change the slots of a layer in place; write its peak before, and the estimated one after."""
    num_gpus, size = slots_GS.shape
    num_experts = load_E.size
    copies_E, home_E = np.zeros(num_experts, dtype=np.int64), np.full(num_experts, -1)
    for gpu in range(num_gpus):
        for place in range(size):
            copies_E[slots_GS[gpu, place]] += 1
    load_G, total = np.zeros(num_gpus), 0.0
    for expert in range(num_experts):
        total += load_E[expert]
    for gpu in range(num_gpus):
        for place in range(size):
            load_G[gpu] += load_E[slots_GS[gpu, place]] / copies_E[slots_GS[gpu, place]]
    mean = total / num_gpus
    peak_2[:] = load_G.max()
    if peak_2[0] < balanced * mean or mean <= 0:
        return
    new_GS = slots_GS.copy()
    left_G = np.zeros(num_gpus, dtype=np.int64)
    left = 0
    for place in range(size):
        for gpu in range(num_gpus):
            expert = slots_GS[gpu, place]
            if home_E[expert] < 0:
                home_E[expert] = gpu
            else:
                new_GS[gpu, place] = -1
                left_G[gpu] += 1
                left += 1
    copies_E[:] = 1
    for _ in range(left):
        hottest = -1
        for expert in range(num_experts):
            if copies_E[expert] < num_gpus and (
                hottest < 0 or load_E[expert] / (copies_E[expert] + 1) > load_E[hottest] / (copies_E[hottest] + 1)
            ):
                hottest = expert
        if hottest >= 0:
            copies_E[hottest] += 1
    each_E = 2 * load_E / (copies_E + 1)
    is_there_GE = np.zeros((num_gpus, num_experts), dtype=np.int64)
    came_GE = np.zeros((num_gpus, num_experts), dtype=np.int64)
    sent_GG = np.zeros((num_gpus, num_gpus), dtype=np.int64)
    load_G[:] = 0.0
    for gpu in range(num_gpus):
        for place in range(size):
            expert = new_GS[gpu, place]
            if expert >= 0:
                is_there_GE[gpu, expert] = 1
                load_G[gpu] += each_E[expert]
    for expert in np.argsort(-each_E, kind="mergesort"):
        for _ in range(copies_E[expert] - 1):
            emptiest = -1
            for gpu in range(num_gpus):
                is_open = left_G[gpu] and not is_there_GE[gpu, expert] and not sent_GG[home_E[expert], gpu]
                if is_open and (emptiest < 0 or load_G[gpu] < load_G[emptiest]):
                    emptiest = gpu
            if emptiest >= 0:
                place = size - 1
                while new_GS[emptiest, place] >= 0:
                    place -= 1
                new_GS[emptiest, place] = expert
                is_there_GE[emptiest, expert] = came_GE[emptiest, expert] = 1
                sent_GG[home_E[expert], emptiest] += 1
                load_G[emptiest] += each_E[expert]
                left_G[emptiest] -= 1
                left -= 1
    if left:  # slots for which every copy came from a GPU that has sent one: the hottest by what was placed
        copies_E[:] = 0
        for gpu in range(num_gpus):
            for place in range(size):
                if new_GS[gpu, place] >= 0:
                    copies_E[new_GS[gpu, place]] += 1
        for gpu in range(num_gpus):
            for place in range(size):
                if new_GS[gpu, place] < 0:
                    hottest, again = -1, 0
                    for expert in range(num_experts):
                        each = load_E[expert] / copies_E[expert]
                        if not is_there_GE[gpu, expert] and (hottest < 0 or each > load_E[hottest] / copies_E[hottest]):
                            hottest = expert
                        if each > load_E[again] / copies_E[again]:
                            again = expert
                    if hottest < 0:
                        hottest = again
                    elif home_E[hottest] != gpu:
                        sent_GG[home_E[hottest], gpu] += 1
                    new_GS[gpu, place] = hottest
                    is_there_GE[gpu, hottest] = came_GE[gpu, hottest] = 1
                    copies_E[hottest] += 1
        each_E = load_E / copies_E
        load_G[:] = 0.0
        for gpu in range(num_gpus):
            for place in range(size):
                load_G[gpu] += each_E[new_GS[gpu, place]]
    for _ in range(swaps):
        order_G = np.argsort(load_G, kind="mergesort")
        full = order_G[num_gpus - 1]
        swapped = False
        for other in order_G[: num_gpus - 1]:
            if sent_GG[full, other] or sent_GG[other, full]:
                continue
            lowest, out, back = load_G[full], -1, -1
            for place in range(size):
                gives = new_GS[full, place]
                if is_there_GE[other, gives] or came_GE[full, gives]:
                    continue
                for there in range(size):
                    takes = new_GS[other, there]
                    if is_there_GE[full, takes] or came_GE[other, takes]:
                        continue
                    higher = max(
                        load_G[full] - each_E[gives] + each_E[takes], load_G[other] - each_E[takes] + each_E[gives]
                    )
                    if higher < lowest:
                        lowest, out, back = higher, place, there
            if out < 0 or load_G[full] - lowest < increment * mean:
                continue
            gives, takes = new_GS[full, out], new_GS[other, back]
            new_GS[full, out], new_GS[other, back] = takes, gives
            is_there_GE[full, gives] = is_there_GE[other, takes] = 0
            is_there_GE[full, takes] = is_there_GE[other, gives] = 1
            came_GE[full, takes] = came_GE[other, gives] = 1
            sent_GG[full, other] += 1
            sent_GG[other, full] += 1
            load_G[full] += each_E[takes] - each_E[gives]
            load_G[other] += each_E[gives] - each_E[takes]
            swapped = True
            break
        if not swapped:
            break
    if load_G.max() < peak_2[0]:
        peak_2[1] = load_G.max()
        slots_GS[:] = new_GS
