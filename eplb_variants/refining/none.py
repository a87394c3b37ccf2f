"""No refinement."""

from __future__ import annotations

from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.registry import register


@register("refiner", "none", "no refinement: slots stay as they were packed")
def none(load: FloatArray, slots: IntArray, speed: FloatArray) -> IntArray:
    """Return ``slots [N, P]`` as they are."""
    return slots
