"""Quotas by a search for the lowest peak, as UltraEP finds them for each micro-batch.

Shapes: E logical experts, G GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import Placement
from eplb_variants.reacting.homes import check_numbers, react
from eplb_variants.registry import register


@register("reactive", "ultraep", "quotas for the lowest peak that moves of hot experts to the emptiest GPUs can reach")
@dataclass(frozen=True)
class UltraEP:
    """Find quotas of experts on GPUs by halving the interval in which the lowest peak lies.

    For a peak, GPUs above it, the fullest first, give what they have too much, their hottest experts first, each part
    to the GPU with most room below the peak that has a free slot and not this expert. A peak is too low where something
    is left. This is the planner of UltraEP (arXiv 2606.04101; ``csrc/kernels/placement.cu`` of Dots-Infra/UltraEP),
    without its domains of GPUs, its locality of sources and its rule that a token stays at home.

    Args:
        free: slots of a GPU that may hold other experts for the step, of those that are no homes; 0 for all.
        least: tokens below which no part is sent, 0 or more; UltraEP's own value is 1024.
        within: the search ends where peaks are nearer than this share of the mean load; UltraEP's own is .01.
        expert_mib: size of an expert's weights, for what is fetched; 42 MiB are DeepSeek-V3's in 8 bits.
    """

    free: int = 0
    least: float = 1024.0
    within: float = 0.01
    expert_mib: float = 42.0

    def __post_init__(self) -> None:
        check_numbers(self.free, self.expert_mib)
        if not self.least >= 0:
            raise EplbError(f"least is {self.least}: it is a number of tokens, 0 or more")
        if not 1e-9 <= self.within <= 1:
            raise EplbError(f"within is {self.within}: it is a share of the mean load, 1e-9 to 1")

    def __call__(self, load: FloatArray, placement: Placement) -> Placement:
        """Return the placement of a step with ``load [L, E]``, and its shares."""
        return react(load, placement, self.free, partial(quotas, self.least, self.within))


def quotas(
    least: float, within: float, load_E: FloatArray, home_E: IntArray, free_G: IntArray, tokens_EG: FloatArray
) -> None:
    """Change the tokens of a layer from those of homes alone to those of the lowest peak that is found."""
    num_experts, num_gpus = tokens_EG.shape
    gpu_G = np.zeros(num_gpus)
    for expert in range(num_experts):
        gpu_G[home_E[expert]] += load_E[expert]
    mean, high = gpu_G.sum() / num_gpus, gpu_G.max()
    none = mean * 1e-12
    falling_E = np.argsort(-load_E, kind="mergesort")
    fullest_G = np.argsort(-gpu_G, kind="mergesort")
    tried_EG = tokens_EG.copy()
    slack_G, slots_G = np.empty(num_gpus), np.empty(num_gpus, np.int64)
    low, peak = mean, mean
    while high - low > within * mean:
        # does this peak do?
        tried_EG[:] = 0.0
        for expert in range(num_experts):
            tried_EG[expert, home_E[expert]] = load_E[expert]
        for gpu in range(num_gpus):
            slack_G[gpu], slots_G[gpu] = max(peak - gpu_G[gpu], 0.0), free_G[gpu]
        fits = True
        for source in fullest_G:
            need = gpu_G[source] - peak
            if need <= none:
                break
            for expert in falling_E:
                if home_E[expert] != source:
                    continue
                while need > none and tried_EG[expert, source] > none:
                    target, most = -1, none
                    for gpu in range(num_gpus):
                        is_open = slots_G[gpu] > 0 and tried_EG[expert, gpu] == 0.0
                        part = min(need, slack_G[gpu], tried_EG[expert, source])
                        if is_open and slack_G[gpu] > most and part >= least:
                            target, most = gpu, slack_G[gpu]
                    if target < 0:
                        break
                    part = min(need, most, tried_EG[expert, source])
                    tried_EG[expert, source] -= part
                    tried_EG[expert, target] += part
                    slack_G[target] -= part
                    slots_G[target] -= 1
                    need -= part
                if need <= none:
                    break
            if need > none:
                fits = False
                break
        if fits:
            high = peak
            tokens_EG[:] = tried_EG
        else:
            low = peak
        peak = (low + high) / 2
