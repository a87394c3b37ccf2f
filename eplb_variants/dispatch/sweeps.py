"""A few local sweeps over the experts with copies on several GPUs: what a simple engine could do in a step.

Shapes: L layers, E logical experts, P slots, G GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eplb_variants.dispatch.places import places_of, shares_of
from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray
from eplb_variants.placement import Placement
from eplb_variants.registry import register


@register("dispatcher", "sweeps", "each expert in turn levels the GPUs that it is on, `sweeps` times round")
@dataclass(frozen=True)
class Sweeps:
    """Begin with even shares; each expert on several GPUs in turn pours its tokens where these are least full.

    One expert's pouring is the best that it can do while the others stand still; load wanders from GPU to GPU, a
    step a sweep, so that a few sweeps come near ``flow`` on placements of short ways and stay behind it on long rings.

    Args:
        sweeps: rounds over all experts, 1 or more.
    """

    sweeps: int = 4

    def __post_init__(self) -> None:
        if self.sweeps < 1:
            raise EplbError(f"sweeps is {self.sweeps}: it must be 1 or more")

    def __call__(self, load: FloatArray, placement: Placement) -> FloatArray:
        """Return ``share [L, P]``, the part of its expert's tokens that each slot gets, for ``load [L, E]``."""
        num_gpus = placement.topology.num_gpus
        return np.array(
            [
                self._swept(np.asarray(load_E, dtype=float).tolist(), slots_P.tolist(), num_gpus)
                for load_E, slots_P in zip(load, placement.phy2log, strict=True)
            ]
        )

    def _swept(self, load_E: list[float], slots_P: list[int], num_gpus: int) -> list[float]:
        """Return the shares ``[P]`` of a layer."""
        places = places_of(slots_P, num_gpus, len(load_E))
        gpu_G = [0.0] * num_gpus
        tokens = []
        for of_expert, load in zip(places, load_E, strict=True):
            copies = sum(len(slots) for _, slots in of_expert)
            tokens.append([load / copies * len(slots) for _, slots in of_expert])
            for (gpu, _), part in zip(of_expert, tokens[-1], strict=True):
                gpu_G[gpu] += part
        for _ in range(self.sweeps):
            for expert, of_expert in enumerate(places):
                if len(of_expert) > 1 and load_E[expert] > 0:
                    others = [gpu_G[gpu] - part for (gpu, _), part in zip(of_expert, tokens[expert], strict=True)]
                    level = water_level(others, load_E[expert])
                    tokens[expert] = [max(level - other, 0.0) for other in others]
                    for (gpu, _), other, part in zip(of_expert, others, tokens[expert], strict=True):
                        gpu_G[gpu] = other + part
        return shares_of(places, tokens, len(slots_P))


def water_level(others: list[float], poured: float) -> float:
    """Return how full GPUs of such loads are if a load is poured where they are least full; above 0."""
    lowest = sorted(others)
    filled, level = poured, 0.0
    for number, other in enumerate(lowest, 1):
        filled += other
        level = filled / number
        if number == len(lowest) or level <= lowest[number]:
            break
    return level
