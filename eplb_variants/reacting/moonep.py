"""Exact quotas: what GPUs have above the mean is given to those below it, as MoonEP does for each micro-batch.

Shapes: E logical experts, G GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import Placement
from eplb_variants.reacting.homes import check_numbers, react
from eplb_variants.registry import register


@register("reactive", "moonep", "exactly the mean load for each GPU, as far as its free slots hold the experts for it")
@dataclass(frozen=True)
class MoonEP:
    """Match what is above the mean load of a GPU to what is below it, GPUs in order on both sides.

    What one GPU is to give another is taken from its expert with most tokens left, then from the next. Each GPU keeps
    as many experts of others as it has free slots, those with most tokens; what it cannot keep stays at home. The idea
    is MoonEP's (MoonshotAI/MoonEP, vLLM pull request 52101), from its description: with as many free slots as homes
    its balance is perfect there. That GPUs are matched by number is ours.

    Args:
        free: slots of a GPU that may hold other experts for the step, of those that are no homes; 0 for all.
        expert_mib: size of an expert's weights, for what is fetched; 42 MiB are DeepSeek-V3's in 8 bits.
    """

    free: int = 0
    expert_mib: float = 42.0

    def __post_init__(self) -> None:
        check_numbers(self.free, self.expert_mib)

    def __call__(self, load: FloatArray, placement: Placement) -> Placement:
        """Return the placement of a step with ``load [L, E]``, and its shares."""
        return react(load, placement, self.free, matched)


def matched(load_E: FloatArray, home_E: IntArray, free_G: IntArray, tokens_EG: FloatArray) -> None:
    """Change the tokens of a layer from those of homes alone to those of quotas that match surplus and room."""
    num_experts, num_gpus = tokens_EG.shape
    gpu_G = np.zeros(num_gpus)
    for expert in range(num_experts):
        gpu_G[home_E[expert]] += load_E[expert]
    mean = gpu_G.sum() / num_gpus
    none = mean * 1e-12
    source = target = 0
    over_G, room_G = np.maximum(gpu_G - mean, 0.0), np.maximum(mean - gpu_G, 0.0)
    while source < num_gpus and target < num_gpus:
        if over_G[source] <= none:
            source += 1
            continue
        if room_G[target] <= none:
            target += 1
            continue
        quota = min(over_G[source], room_G[target])
        over_G[source] -= quota
        room_G[target] -= quota
        while quota > none:
            most, left = -1, none
            for expert in range(num_experts):
                if home_E[expert] == source and tokens_EG[expert, source] > left:
                    most, left = expert, tokens_EG[expert, source]
            if most < 0:
                break
            part = min(quota, left)
            tokens_EG[most, source] -= part
            tokens_EG[most, target] += part
            quota -= part
    for gpu in range(num_gpus):
        kept = free_G[gpu]
        guests_E = tokens_EG[:, gpu].copy()
        for expert in range(num_experts):
            if home_E[expert] == gpu:
                guests_E[expert] = 0.0
        for expert in np.argsort(-guests_E, kind="mergesort"):
            if guests_E[expert] <= 0.0:
                break
            if kept > 0:
                kept -= 1
                continue
            tokens_EG[expert, home_E[expert]] += tokens_EG[expert, gpu]
            tokens_EG[expert, gpu] = 0.0
