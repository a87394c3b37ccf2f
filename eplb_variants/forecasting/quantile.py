"""The forecaster that plans for the high loads of the past."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray
from eplb_variants.registry import register


@register("forecaster", "quantile", "a quantile of the last `windows` windows, expert by expert")
@dataclass(frozen=True)
class Quantile:
    """Plan for loads that a part of the last windows stayed below, so that experts that vary count for more.

    The idea is that of planning for risk, as FlashLB's mean and standard deviations.

    Args:
        q: the part of windows with less load, above 0 and at most 1, which is the maximum; 0.5 is the median.
        windows: how many are looked at, 1 or more; fewer while fewer have been seen.
    """

    q: float = 0.75
    windows: int = 8

    def __post_init__(self) -> None:
        if not 0 < self.q <= 1:
            raise EplbError(f"q is {self.q}: it must be above 0 and at most 1")
        if self.windows < 1:
            raise EplbError(f"windows is {self.windows}: it must be 1 or more")

    def __call__(self, history: FloatArray) -> FloatArray:
        """Return the quantile of the last ``windows`` of ``history [W, L, E]``, between windows by a straight line."""
        high: FloatArray = np.quantile(history[-self.windows :], self.q, axis=0)
        return high
