"""The adaptive forecaster, compiled: all gains of an expert side by side.

Shapes: W windows, L layers, E logical experts, A gains.
"""

from __future__ import annotations

import numpy as np
from numba import float64, int64, void

from eplb_variants.forecasting.adaptive import FEWEST, GAINS, QUIET, Adaptive, chosen
from eplb_variants.kernels import compiles
from eplb_variants.kernels.compiled import FLOAT_ROWS, FLOATS, INTS, kernel, ready
from eplb_variants.loads import FloatArray, IntArray

CUBE = float64[:, :, ::1]


@compiles(Adaptive)
def adaptive(stage: Adaptive, history: FloatArray) -> FloatArray:
    """Answer as ``Adaptive`` does."""
    recent_WLE = ready(history[-stage.windows :])
    num_windows, num_layers, num_experts = recent_WLE.shape
    if num_windows < FEWEST:
        return history[-1]
    level_LEA = np.empty((num_layers, num_experts, GAINS.size))
    error_LA, total_L = np.zeros((num_layers, GAINS.size)), np.empty(num_layers)
    _filter_layers(recent_WLE, float(stage.jump), GAINS, level_LEA, error_LA, total_L)
    best_L = chosen(np.ascontiguousarray(error_LA.T), stage.pool)
    level_LE: FloatArray = np.take_along_axis(level_LEA, best_L[:, None, None], axis=2)[:, :, 0]
    return level_LE * total_L[:, None]


@kernel(void(CUBE, int64, FLOAT_ROWS, INTS))
def _shares(history_WLE: FloatArray, layer: int, share_WE: FloatArray, is_there_W: IntArray) -> None:
    for window in range(share_WE.shape[0]):
        total = 0.0
        for expert in range(share_WE.shape[1]):
            total += history_WLE[window, layer, expert]
        is_there_W[window] = total > 0
        for expert in range(share_WE.shape[1]):
            if total > 0:
                share_WE[window, expert] = history_WLE[window, layer, expert] / total
            else:
                share_WE[window, expert] = share_WE[window - 1, expert] if window > 0 else 0.0


@kernel(void(FLOAT_ROWS, INTS, FLOATS, float64, INTS))
def _restarts(
    share_WE: FloatArray, is_there_W: IntArray, weight_E: FloatArray, jump: float, restart_W: IntArray
) -> None:
    restart_W[:] = 0
    changes = restart_W.size - 1
    change_W = np.zeros(changes)
    for window in range(changes):
        for expert in range(weight_E.size):
            change = share_WE[window + 1, expert] - share_WE[window, expert]
            change_W[window] += change**2 * weight_E[expert]
    seen_W = change_W.copy()
    seen = 0
    for window in range(changes):
        seen += is_there_W[window + 1]
        if not is_there_W[window + 1]:  # a window without load has not changed
            seen_W[window] = np.inf
    usual = np.sort(seen_W)[max(seen - 1, 0) // QUIET]
    for window in range(changes):
        restart_W[window + 1] = change_W[window] > jump * usual


@kernel(void(CUBE, float64, FLOATS, CUBE, FLOAT_ROWS, FLOATS))
def _filter_layers(
    history_WLE: FloatArray,
    jump: float,
    gain_A: FloatArray,
    level_LEA: FloatArray,
    error_LA: FloatArray,
    total_L: FloatArray,
) -> None:
    num_windows, num_layers, num_experts = history_WLE.shape
    share_WE, weight_E = np.empty((num_windows, num_experts)), np.empty(num_experts)
    is_there_W, restart_W = np.empty(num_windows, np.int64), np.empty(num_windows, np.int64)
    now_A, term_A = np.empty(gain_A.size), np.empty(gain_A.size)
    for layer in range(num_layers):
        _shares(history_WLE, layer, share_WE, is_there_W)
        total_L[layer] = 0.0
        for expert in range(num_experts):
            total_L[layer] += history_WLE[num_windows - 1, layer, expert]
            total = 0.0
            for window in range(num_windows):
                total += share_WE[window, expert]
            weight_E[expert] = 1.0 / total if total > 0 else 0.0
            level_LEA[layer, expert] = share_WE[0, expert]
        _restarts(share_WE, is_there_W, weight_E, jump, restart_W)
        seen = 1.0
        for window in range(1, num_windows):
            restarts, there = restart_W[window], is_there_W[window]
            seen = 1.0 if restarts else seen + there
            for a in range(gain_A.size):
                now_A[a] = 1.0 if restarts else max(gain_A[a], 1.0 / seen)
            term_A[:] = 0.0
            for expert in range(num_experts):
                share, weight = share_WE[window, expert], weight_E[expert]
                for a in range(gain_A.size):
                    off = share - level_LEA[layer, expert, a]
                    term_A[a] += off**2 * weight
                    level_LEA[layer, expert, a] += now_A[a] * off
            if there and not restarts:
                for a in range(gain_A.size):
                    error_LA[layer, a] += term_A[a]
