"""The replicators, compiled: a tree of experts by load per replica.

Shapes: N rows, E logical experts, P columns.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np

from eplb_variants.errors import EplbError
from eplb_variants.kernels.tree import build, new_tree, runner_up, update
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import Replication
from eplb_variants.replication.hybrid import TIE, Hybrid


def dhondt(stage: object, load: FloatArray, num_slots: int) -> Replication:
    """Answer as ``dhondt`` does."""
    return _replicate(load, num_slots, 0)


def hybrid(stage: Hybrid, load: FloatArray, num_slots: int) -> Replication:
    """Answer as ``Hybrid`` does."""
    return _replicate(load, num_slots, max(1, math.ceil(stage.tail * (num_slots - load.shape[1]) - 1e-9)))


def _replicate(load: FloatArray, num_slots: int, tail: int) -> Replication:
    num_rows, num_experts = load.shape
    if num_slots < num_experts:
        raise EplbError(f"{num_slots} slots are too few for {num_experts} logical experts: each needs at least one")
    phy2log_NP = np.empty((num_rows, num_slots), dtype=np.int64)
    rank_NP = np.zeros((num_rows, num_slots), dtype=np.int64)
    logcnt_NE = np.ones((num_rows, num_experts), dtype=np.int64)
    phy2log_NP[:, :num_experts] = np.arange(num_experts)
    trees = (*new_tree(num_experts), *new_tree(num_experts))
    _grow(np.ascontiguousarray(load), tail, phy2log_NP, rank_NP, logcnt_NE, *trees)
    return Replication(phy2log_NP, rank_NP, logcnt_NE)


@nb.njit("int64(float64[::1], int64[::1], float64, int64, int64)", cache=True, nogil=True)
def _weigh(load_E: FloatArray, logcnt_E: IntArray, second: float, dhondt: int, sainte_lague: int) -> int:
    after_d = load_E[dhondt] / (logcnt_E[dhondt] + 1)
    after_s = load_E[sainte_lague] / (logcnt_E[sainte_lague] + 1)
    peak_d, peak_s = max(second, after_d), max(second, after_s)
    low_d, low_s = min(second, after_d), min(second, after_s)
    if peak_s < peak_d - TIE or (abs(peak_s - peak_d) <= TIE and low_s < low_d):
        return sainte_lague
    return dhondt


@nb.njit(
    "void(float64[:, ::1], int64, int64[:, ::1], int64[:, ::1], int64[:, ::1], float64[::1], int64[::1], "
    "float64[::1], int64[::1])",
    cache=True,
    nogil=True,
)
def _grow(
    load_NE: FloatArray,
    tail: int,
    phy2log_NP: IntArray,
    rank_NP: IntArray,
    logcnt_NE: IntArray,
    value: FloatArray,
    winner: IntArray,
    odd_value: FloatArray,
    odd_winner: IntArray,
) -> None:
    """Hand out the extra slots; the trees hold negated loads per replica, and negated Sainte-Lague quotients."""
    num_rows, num_experts = load_NE.shape
    num_slots = phy2log_NP.shape[1]
    size = value.size // 2
    first_of_tail = max(num_slots - tail, num_experts)
    for row in range(num_rows):
        for e in range(num_experts):
            value[size + e] = -load_NE[row, e]
        build(value, winner)
        for slot in range(num_experts, num_slots):
            expert = winner[1]
            if slot >= first_of_tail:
                if slot == first_of_tail:
                    for e in range(num_experts):
                        odd_value[size + e] = -(load_NE[row, e] / (2 * logcnt_NE[row, e] - 1))
                    build(odd_value, odd_winner)
                second = -runner_up(value, winner) if num_experts > 1 else -value[1]
                expert = _weigh(load_NE[row], logcnt_NE[row], second, expert, odd_winner[1])
            phy2log_NP[row, slot], rank_NP[row, slot] = expert, logcnt_NE[row, expert]
            logcnt_NE[row, expert] += 1
            update(value, winner, expert, -(load_NE[row, expert] / logcnt_NE[row, expert]))
            if slot >= first_of_tail:
                update(odd_value, odd_winner, expert, -(load_NE[row, expert] / (2 * logcnt_NE[row, expert] - 1)))
