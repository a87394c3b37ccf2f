"""The forecaster that expects the last window again."""

from __future__ import annotations

from eplb_variants.loads import FloatArray
from eplb_variants.registry import register


@register("forecaster", "last", "the next window will be as the last one")
def last(history: FloatArray) -> FloatArray:
    """Return the last window of ``history [W, L, E]``."""
    return history[-1]
