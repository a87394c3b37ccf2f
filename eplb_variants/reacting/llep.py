"""What a GPU has too much goes to the least loaded one, as in LLEP.

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


@register(
    "reactive", "llep", "experts stay at home up to a limit, the hottest first; the rest goes to the least loaded GPU"
)
@dataclass(frozen=True)
class LLEP:
    """Let every GPU take its own experts up to a limit, and send the rest to the GPUs with least load.

    Experts go by falling load. A GPU's load is what it was given and what its own experts will bring that are still to
    come. What does not fit at home goes in chunks to the least loaded GPU with room below the limit and a free slot;
    where there is none with room, to the least loaded with a free slot. Nothing is done while the fullest GPU is within
    ``threshold`` times the mean. This is Least-Loaded Expert Parallelism (arXiv 2601.17111, SalesforceAIResearch),
    whose GPUs have slots for all that comes; here what finds no free slot stays at home.

    Args:
        alpha: the limit, times the mean load of a GPU; 1 or more.
        least: tokens of a chunk, but of the last; 0 or more. LLEP's own value is 1024.
        threshold: maximum over mean below which nothing is done; 1 or more. LLEP's own value is 1.3.
        free: slots of a GPU that may hold other experts for the step, of those that are no homes; 0 for all.
        expert_mib: size of an expert's weights, for what is fetched; 42 MiB are DeepSeek-V3's in 8 bits.
    """

    alpha: float = 1.1
    least: float = 1024.0
    threshold: float = 1.3
    free: int = 0
    expert_mib: float = 42.0

    def __post_init__(self) -> None:
        check_numbers(self.free, self.expert_mib)
        if not self.least >= 0:
            raise EplbError(f"least is {self.least}: it is a number of tokens, 0 or more")
        for name in ("alpha", "threshold"):
            if not getattr(self, name) >= 1:
                raise EplbError(f"{name} is {getattr(self, name)}: it is a multiple of the mean load, 1 or more")

    def __call__(self, load: FloatArray, placement: Placement) -> Placement:
        """Return the placement of a step with ``load [L, E]``, and its shares."""
        return react(load, placement, self.free, partial(spilled, self.alpha, self.least, self.threshold))


def spilled(
    alpha: float,
    least: float,
    threshold: float,
    load_E: FloatArray,
    home_E: IntArray,
    free_G: IntArray,
    tokens_EG: FloatArray,
) -> None:
    """Change the tokens of a layer from those of homes alone to those after what is too much was sent elsewhere."""
    num_experts, num_gpus = tokens_EG.shape
    gpu_G = np.zeros(num_gpus)  # what was given, and what homes will still bring
    for expert in range(num_experts):
        gpu_G[home_E[expert]] += load_E[expert]
    mean = gpu_G.sum() / num_gpus
    if gpu_G.max() <= threshold * mean:
        return
    limit, none = alpha * mean, mean * 1e-12
    slots_G = free_G.copy()
    for expert in np.argsort(-load_E, kind="mergesort"):
        home = home_E[expert]
        rest = min(max(gpu_G[home] - limit, 0.0), load_E[expert])
        while rest > none:
            chosen, emptiest = -1, -1
            for gpu in range(num_gpus):
                if gpu == home or (slots_G[gpu] <= 0 and tokens_EG[expert, gpu] == 0.0):
                    continue
                if emptiest < 0 or gpu_G[gpu] < gpu_G[emptiest]:
                    emptiest = gpu
                room = limit - gpu_G[gpu]
                if room > none and (room >= least or rest <= room) and (chosen < 0 or gpu_G[gpu] < gpu_G[chosen]):
                    chosen = gpu
            if emptiest < 0:
                break
            part = rest
            if chosen >= 0:
                part = min(rest, limit - gpu_G[chosen])
            target = chosen if chosen >= 0 else emptiest
            if tokens_EG[expert, target] == 0.0:
                slots_G[target] -= 1
            tokens_EG[expert, home] -= part
            tokens_EG[expert, target] += part
            gpu_G[home] -= part
            gpu_G[target] += part
            rest -= part
