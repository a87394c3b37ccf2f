"""The forecaster that finds out how much of the past to trust, layer by layer, from the past itself.

Shapes: W windows, L layers, E logical experts, A gains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray
from eplb_variants.registry import register

GAINS = np.array([1.0, 0.8, 0.6, 0.45, 0.35, 0.25, 0.18, 0.12, 0.08, 0.0])
"""Weights of the newest window that are tried: from the last window alone to the mean of all."""
FEWEST = 3
"""Windows from which on there is something to learn: one to begin with, one to forecast, one to forecast again."""
QUIET = 4
"""One change in so many is quiet, whatever jumps: what is usual is the largest of the quietest of them."""


@register("forecaster", "adaptive", "an average whose memory fits how fast the load drifted, anew after a jump")
@dataclass(frozen=True)
class Adaptive:
    """Average as long as noise dominates, forget as fast as the load drifts, and start anew after a jump.

    Shares of a layer's tokens go through exponential averages with ten gains. Each forecasts every window from those
    before it; the gain with the smallest sum of squared errors makes the forecast. Errors are weighed by one over the
    expert's mean share, as in a chi-square test: so a token counts the same whatever its expert. What a layer's errors
    say is weighed against what those of all layers say. A window that differs from the one before it by more than
    ``jump`` times what is usual, the lower quartile of such differences, is a jump: averages begin there anew, and its
    errors count for nobody.
    An average that began ``n`` windows ago has a gain of ``1 / n`` at least, as Kalman's filter has. Choosing a
    smoothing constant by its past errors is as old as exponential smoothing (Brown 1959; Trigg and Leach 1967).

    Args:
        windows: how many are looked at, 1 or more; with fewer than 3 the last one is expected again.
        pool: weight of the errors of all layers against a layer's own, 0 to 1.
        jump: ratio of a change to the usual one from which on it is a jump, above 1.
    """

    windows: int = 16
    pool: float = 0.5
    jump: float = 4.0

    def __post_init__(self) -> None:
        if self.windows < 1:
            raise EplbError(f"windows is {self.windows}: it must be 1 or more")
        if not 0 <= self.pool <= 1:
            raise EplbError(f"pool is {self.pool}: it is a weight, 0 to 1")
        if not self.jump > 1:
            raise EplbError(f"jump is {self.jump}: it must be above 1")

    def __call__(self, history: FloatArray) -> FloatArray:
        """Return the forecast ``[L, E]`` after ``history [W, L, E]``."""
        recent_WLE = history[-self.windows :]
        if recent_WLE.shape[0] < FEWEST:
            return history[-1]
        total_WL = _sum(recent_WLE)
        share_WLE = recent_WLE / np.where(total_WL > 0, total_WL, 1.0)[:, :, None]
        is_there_WL = total_WL > 0
        for window in range(1, share_WLE.shape[0]):  # one without load repeats the one before it
            gap_L = ~is_there_WL[window]
            share_WLE[window, gap_L] = share_WLE[window - 1, gap_L]
        weight_LE = _chi_square_weights(share_WLE)
        restart_WL = self._restarts(share_WLE, is_there_WL, weight_LE)
        level_ALE, error_AL = _filtered(share_WLE, is_there_WL, restart_WL, weight_LE)
        best_L = chosen(error_AL, self.pool)
        return level_ALE[best_L, np.arange(best_L.size)] * total_WL[-1][:, None]

    def _restarts(self, share_WLE: FloatArray, is_there_WL: np.ndarray, weight_LE: FloatArray) -> np.ndarray:
        """Return ``[W, L]``: whether a window is the first after a jump; the first of all is none."""
        change_WL = _sum((share_WLE[1:] - share_WLE[:-1]) ** 2 * weight_LE)
        restart_WL = np.zeros((share_WLE.shape[0], share_WLE.shape[1]), dtype=bool)
        seen_WL = np.where(is_there_WL[1:], change_WL, np.inf)  # a window without load has not changed
        place_L = np.maximum(is_there_WL[1:].sum(axis=0) - 1, 0) // QUIET
        usual_L = np.take_along_axis(np.sort(seen_WL, axis=0), place_L[None], axis=0)[0]
        restart_WL[1:] = change_WL > self.jump * usual_L
        return restart_WL


def chosen(error_AL: FloatArray, pool: float) -> np.ndarray:
    """Return the number ``[L]`` of the gain with the smallest errors; the largest gain on a tie."""
    least_L = error_AL.min(axis=0)
    relative_AL = error_AL / np.where(least_L > 0, least_L, 1.0)
    pooled_A = np.add.accumulate(relative_AL, axis=1)[:, -1:] / error_AL.shape[1]
    return np.argmin((1 - pool) * relative_AL + pool * pooled_A, axis=0)


def _sum(values: FloatArray) -> FloatArray:
    """Return sums along the last axis, from the left, as the kernel adds."""
    total: FloatArray = np.add.accumulate(values, axis=-1)[..., -1]
    return total


def _chi_square_weights(share_WLE: FloatArray) -> FloatArray:
    """Return one over the mean share ``[L, E]``; 0 for an expert without load."""
    sum_LE = np.add.accumulate(share_WLE, axis=0)[-1]
    weight_LE = np.zeros_like(sum_LE)
    np.divide(1.0, sum_LE, out=weight_LE, where=sum_LE > 0)
    return weight_LE


def _filtered(
    share_WLE: FloatArray, is_there_WL: np.ndarray, restart_WL: np.ndarray, weight_LE: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the averages ``[A, L, E]`` with every gain, and the sums of their squared errors ``[A, L]``."""
    num_windows, num_layers, num_experts = share_WLE.shape
    level_ALE = np.broadcast_to(share_WLE[0], (GAINS.size, num_layers, num_experts)).copy()
    error_AL = np.zeros((GAINS.size, num_layers))
    seen_L = np.ones(num_layers)
    for window in range(1, num_windows):
        restart_L, share_LE = restart_WL[window], share_WLE[window]
        counts_L = is_there_WL[window] & ~restart_L
        error_AL += np.where(counts_L, _sum((share_LE - level_ALE) ** 2 * weight_LE), 0.0)
        seen_L = np.where(restart_L, 1.0, seen_L + is_there_WL[window])
        gain_AL = np.where(restart_L, 1.0, np.maximum(GAINS[:, None], 1.0 / seen_L))
        level_ALE += gain_AL[:, :, None] * (share_LE - level_ALE)
    return level_ALE, error_AL
