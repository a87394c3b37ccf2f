"""The split of tokens over replicas that makes the fullest GPU least full: exact, without a linear program.

Shapes: L layers, E logical experts, P slots, G GPUs. A place is an expert on a GPU, however many slots it has there.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from eplb_variants.loads import FloatArray, IntArray, sum_from_left
from eplb_variants.placement import Placement
from eplb_variants.registry import register

ROUNDING = 1e-13
"""A GPU is above or below the peak where it differs by this part of the layer's load; fewer tokens are none."""


@register("dispatcher", "flow", "the exact split by load that makes the fullest GPU least full")
def flow(load: FloatArray, placement: Placement) -> FloatArray:
    """Return ``share [L, P]``, the part of its expert's tokens that each slot gets, for ``load [L, E]``.

    Newton's method on the peak ``M``, from the mean load of a GPU on. Load is pushed from GPUs above ``M`` to GPUs
    below it along shortest paths of shared experts, until none above it reaches one below it. If some are above it
    still, the GPUs ``S`` that they reach are a cut: all that the experts with tokens there can do is to stay there, so
    no split has a peak below ``load(S) / |S|``, which is the next ``M``. Where none is above it, the peak is ``M``, and
    the last cut proves that none is lower. Copies on one GPU are one place. An expert without tokens is shared evenly.

    GPUs of uneven speed are full by what they take for their load: one is above the peak ``M`` where its load is above
    ``M`` times its speed, and ``|S|`` is the sum of the speeds.
    """
    return np.array(
        [
            Split(load_E, slots_P, placement.topology.relative_speeds).settled()
            for load_E, slots_P in zip(np.asarray(load, dtype=float), placement.phy2log, strict=True)
        ]
    )


class Split:
    """A layer's split in the course of the search."""

    def __init__(self, load_E: FloatArray, slots_P: IntArray, speed_G: FloatArray) -> None:
        size = slots_P.size // speed_G.size
        self.load_E, self.slots_P = load_E.tolist(), slots_P.tolist()
        self.slots_of: dict[tuple[int, int], list[int]] = {}
        for slot, expert in enumerate(self.slots_P):
            self.slots_of.setdefault((expert, slot // size), []).append(slot)
        self.gpus_of: dict[int, list[int]] = {}
        for expert, gpu in self.slots_of:
            self.gpus_of.setdefault(expert, []).append(gpu)
        logcnt_E = np.bincount(slots_P, minlength=load_E.size).tolist()
        self.tokens = {(e, gpu): self.load_E[e] / logcnt_E[e] * len(slots) for (e, gpu), slots in self.slots_of.items()}
        self.speed_G = speed_G.tolist()
        self.gpu_G = [0.0] * speed_G.size
        for (_, gpu), tokens in self.tokens.items():
            self.gpu_G[gpu] += tokens
        total = sum_from_left(self.gpu_G)
        self.peak, self.least = total / sum_from_left(self.speed_G), total * ROUNDING

    def settled(self) -> FloatArray:
        """Return the shares ``[P]`` of the best split."""
        while True:
            pushed, reached = self._pass()
            if pushed:
                continue
            if not self._above():
                return self._shares()
            held, speed = (sum_from_left([of[gpu] for gpu in reached]) for of in (self.gpu_G, self.speed_G))
            self.peak = max(held / speed, self.peak + self.least)

    def _allowed(self, gpu: int) -> float:
        """Return the load of a GPU that takes as long as the peak."""
        return self.peak * self.speed_G[gpu]

    def _above(self) -> list[int]:
        return [gpu for gpu, load in enumerate(self.gpu_G) if load > self._allowed(gpu) + self.least]

    def _pass(self) -> tuple[bool, list[int]]:
        """Go outwards from the GPUs above the peak, pushing load to those below it; return whether, and who is met."""
        above = self._above()
        came_from: dict[int, tuple[int, int]] = {}
        met, experts, waiting, pushed = set(above), set(), deque(above), False
        while waiting:
            gpu = waiting.popleft()
            for expert in self._experts_on(gpu):
                if expert in experts or self.tokens[expert, gpu] <= self.least:
                    continue
                experts.add(expert)
                for other in self.gpus_of[expert]:
                    if other in met:
                        continue
                    met.add(other)
                    came_from[other] = (gpu, expert)
                    waiting.append(other)
                    if self.gpu_G[other] < self._allowed(other) - self.least:
                        pushed |= self._push(other, came_from)
        return pushed, sorted(met)

    def _experts_on(self, gpu: int) -> list[int]:
        return [expert for expert, where in self.slots_of if where == gpu]

    def _push(self, target: int, came_from: dict[int, tuple[int, int]]) -> bool:
        """Push what fits along the path that leads to a GPU; return whether that is anything."""
        path, gpu = [], target
        while gpu in came_from:
            before, expert = came_from[gpu]
            path.append((expert, before, gpu))
            gpu = before
        fits = min([self._allowed(target) - self.gpu_G[target], self.gpu_G[gpu] - self._allowed(gpu)])
        fits = min([fits, *(self.tokens[expert, before] for expert, before, _ in path)])
        if fits <= self.least:
            return False
        for expert, before, after in path:
            self.tokens[expert, before] -= fits
            self.tokens[expert, after] += fits
        self.gpu_G[gpu] -= fits
        self.gpu_G[target] += fits
        return True

    def _shares(self) -> FloatArray:
        share_P = np.empty(len(self.slots_P))
        for (expert, gpu), slots in self.slots_of.items():
            total = self.load_E[expert]
            copies = sum(len(self.slots_of[expert, other]) for other in self.gpus_of[expert])
            share_P[slots] = self.tokens[expert, gpu] / total / len(slots) if total > 0 else 1 / copies
        return share_P
