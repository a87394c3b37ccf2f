"""The forecaster that forgets: an exponential average of the last windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray
from eplb_variants.registry import register


@register("forecaster", "exponential", "an exponential average of the last `windows` windows")
@dataclass(frozen=True)
class Exponential:
    """Plan for a weighted average in which each window counts ``1 - alpha`` times the one after it.

    Args:
        alpha: weight of the newest window, above 0 and at most 1.
        windows: how many windows are looked at, 1 or more; at the default the rest weighs 3%.
    """

    alpha: float = 0.35
    windows: int = 8

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= 1:
            raise EplbError(f"alpha is {self.alpha}: it must be above 0 and at most 1")
        if self.windows < 1:
            raise EplbError(f"windows is {self.windows}: it must be 1 or more")

    def __call__(self, history: FloatArray) -> FloatArray:
        """Return the weighted mean of the last ``windows`` of ``history [W, L, E]``."""
        recent = history[-self.windows :]
        weight_W = (1 - self.alpha) ** np.arange(recent.shape[0] - 1, -1, -1)
        return np.tensordot(weight_W / weight_W.sum(), recent, axes=1)
