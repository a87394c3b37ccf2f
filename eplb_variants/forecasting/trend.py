"""The forecaster that expects loads to go on rising or falling as they did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray
from eplb_variants.registry import register


@register("forecaster", "trend", "the line through the last `windows` windows, drawn on by a part of its slope")
@dataclass(frozen=True)
class Trend:
    """Plan for where a straight line through the last windows leads, its slope damped.

    Each expert's line is that of least squares. At a damping of 1 it is drawn on to the next window; at 0 the forecast
    is the mean. A load that would be negative is 0. Damped trends are Gardner and McKenzie's (1985).

    Args:
        windows: how many the line goes through, 2 or more; with one window seen, it is expected again.
        damping: part of the way from the mean to where the line leads, 0 to 1.
    """

    windows: int = 4
    damping: float = 0.5

    def __post_init__(self) -> None:
        if self.windows < 2:
            raise EplbError(f"windows is {self.windows}: it must be 2 or more, for a line")
        if not 0 <= self.damping <= 1:
            raise EplbError(f"damping is {self.damping}: it must be 0 to 1")

    def __call__(self, history: FloatArray) -> FloatArray:
        """Return the forecast ``[L, E]`` after ``history [W, L, E]``."""
        recent_WLE = history[-self.windows :]
        number = len(recent_WLE)
        if number == 1:
            return history[-1]
        off_W = np.arange(number) - (number - 1) / 2
        ahead = (number + 1) / 2  # of the next window, from the middle
        weight_W = 1 / number + self.damping * ahead * off_W / (off_W**2).sum()
        return np.maximum(np.tensordot(weight_W, recent_WLE, axes=1), 0.0)
