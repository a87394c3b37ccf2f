"""The k-move fix-up, compiled.

Shapes: N rows, E logical experts, P columns.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from eplb_variants.fixup.k_move import GAIN, KMove
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import Replication


def k_move(stage: KMove, load: FloatArray, replication: Replication) -> Replication:
    """Answer as ``KMove`` does."""
    num_experts = load.shape[1]
    fixed = Replication(*(np.array(array, order="C") for array in replication))
    if num_experts > 1 and fixed.phy2log.shape[1] > num_experts and stage.moves:
        _move(np.ascontiguousarray(load), stage.moves, *fixed)
    return fixed


@nb.njit("UniTuple(UniTuple(int64, 2), 2)(float64[::1])", cache=True, nogil=True)
def _ends(average_E: FloatArray) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the two largest and the two smallest, ties by number."""
    top, next_top, low, next_low = 0, -1, 0, -1
    for e in range(1, average_E.size):
        if average_E[e] > average_E[top]:
            top, next_top = e, top
        elif next_top < 0 or average_E[e] > average_E[next_top]:
            next_top = e
        if average_E[e] < average_E[low]:
            low, next_low = e, low
        elif next_low < 0 or average_E[e] < average_E[next_low]:
            next_low = e
    return (top, next_top), (low, next_low)


@nb.njit("float64(float64[::1], int64, int64)", cache=True, nogil=True)
def _rest(average_E: FloatArray, donor: int, receiver: int) -> float:
    peak = 0.0
    for e in range(average_E.size):
        if e not in (donor, receiver):
            peak = max(peak, average_E[e])
    return peak


@nb.njit("void(float64[:, ::1], int64, int64[:, ::1], int64[:, ::1], int64[:, ::1])", cache=True, nogil=True)
def _move(load_NE: FloatArray, moves: int, phy2log_NP: IntArray, rank_NP: IntArray, logcnt_NE: IntArray) -> None:
    num_rows, num_experts = load_NE.shape
    average_E = np.empty(num_experts)
    for row in range(num_rows):
        for _ in range(moves):
            for e in range(num_experts):
                average_E[e] = load_NE[row, e] / logcnt_NE[row, e]
            hottest, coldest = _ends(average_E)
            best_peak, donor, receiver = np.inf, -1, -1
            for d in hottest:
                for r in coldest:
                    if d == r or logcnt_NE[row, d] < 2:
                        continue
                    peak = max(load_NE[row, d] / (logcnt_NE[row, d] - 1), load_NE[row, r] / (logcnt_NE[row, r] + 1))
                    if num_experts > 2:
                        peak = max(peak, _rest(average_E, d, r))
                    if peak < best_peak:
                        best_peak, donor, receiver = peak, d, r
            if not best_peak + GAIN < average_E[hottest[0]]:
                break
            logcnt_NE[row, donor] -= 1
            for column in range(phy2log_NP.shape[1]):
                if phy2log_NP[row, column] == donor and rank_NP[row, column] == logcnt_NE[row, donor]:
                    phy2log_NP[row, column], rank_NP[row, column] = receiver, logcnt_NE[row, receiver]
                    break
            logcnt_NE[row, receiver] += 1
