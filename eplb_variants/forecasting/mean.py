"""The forecaster that expects the average of the last windows."""

from __future__ import annotations

from dataclasses import dataclass

from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray
from eplb_variants.registry import register


@register("forecaster", "mean", "the average of the last `windows` windows")
@dataclass(frozen=True)
class Mean:
    """Plan for the average of the last windows: calm, but stale after a change.

    Args:
        windows: how many, 1 or more; fewer are used while fewer have been seen.
    """

    windows: int = 4

    def __post_init__(self) -> None:
        if self.windows < 1:
            raise EplbError(f"windows is {self.windows}: it must be 1 or more")

    def __call__(self, history: FloatArray) -> FloatArray:
        """Return the mean of the last ``windows`` of ``history [W, L, E]``."""
        mean: FloatArray = history[-self.windows :].mean(axis=0)
        return mean
