"""The replicators, compiled: a tree of experts by load per replica.

Shapes: N rows, E logical experts, P columns.
"""

from __future__ import annotations

import math

import numpy as np

from eplb_variants.contracts import Replication
from eplb_variants.errors import EplbError
from eplb_variants.kernels.compiled import kernel, ready
from eplb_variants.kernels.tree import LAST, build, new_tree, runner_up, update
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.replication.hybrid import TIE, Hybrid


def dhondt(stage: object, load: FloatArray, num_slots: int) -> Replication:
    """Answer as ``dhondt`` does."""
    return _replicate(load, num_slots, 0)


def hybrid(stage: Hybrid, load: FloatArray, num_slots: int) -> Replication:
    """Answer as ``Hybrid`` does."""
    return _replicate(load, num_slots, hybrid_tail(stage, load.shape[1], num_slots))


def hybrid_tail(stage: Hybrid, num_experts: int, num_slots: int) -> int:
    """Return how many of the last slots are weighed."""
    return max(1, math.ceil(stage.tail * (num_slots - num_experts) - 1e-9))


def check_slots(num_experts: int, num_slots: int) -> None:
    """Raise EplbError where there are fewer slots than experts."""
    if num_slots < num_experts:
        raise EplbError(f"{num_slots} slots are too few for {num_experts} logical experts: each needs at least one")


def _replicate(load: FloatArray, num_slots: int, tail: int) -> Replication:
    num_rows, num_experts = load.shape
    check_slots(num_experts, num_slots)
    phy2log_NP, rank_NP = (np.empty((num_rows, num_slots), dtype=np.int64) for _ in range(2))
    logcnt_NE = np.empty((num_rows, num_experts), dtype=np.int64)
    trees = (*new_tree(num_experts), *new_tree(num_experts))
    _grow_rows(ready(load), tail, phy2log_NP, rank_NP, logcnt_NE, *trees)
    return Replication(phy2log_NP, rank_NP, logcnt_NE)


@kernel("void(float64[::1], int64[::1], int64, float64)")
def _set(number: FloatArray, key: IntArray, node: int, value: float) -> None:
    """Give a leaf the key of a number, the largest first."""
    number[node] = value + 0.0  # no negative zeros: their bits sort elsewhere
    key[node] = -key[node]


@kernel("int64(float64[::1], int64[::1], float64, int64, int64)")
def _weigh(load_E: FloatArray, logcnt_E: IntArray, second: float, dhondt: int, sainte_lague: int) -> int:
    after_d = load_E[dhondt] / (logcnt_E[dhondt] + 1)
    after_s = load_E[sainte_lague] / (logcnt_E[sainte_lague] + 1)
    peak_d, peak_s = max(second, after_d), max(second, after_s)
    low_d, low_s = min(second, after_d), min(second, after_s)
    if peak_s < peak_d - TIE or (abs(peak_s - peak_d) <= TIE and low_s < low_d):
        return sainte_lague
    return dhondt


@kernel(
    "void(float64[::1], int64, int64[::1], int64[::1], int64[::1], float64[::1], int64[::1], int64[::1], "
    "float64[::1], int64[::1], int64[::1])"
)
def grow(
    load_E: FloatArray,
    tail: int,
    phy2log_P: IntArray,
    rank_P: IntArray,
    logcnt_E: IntArray,
    average: FloatArray,
    key: IntArray,
    winner: IntArray,
    odd: FloatArray,
    odd_key: IntArray,
    odd_winner: IntArray,
) -> None:
    """Replicate one row; the trees hold loads per replica, and Sainte-Lague quotients, the largest first."""
    num_experts, num_slots = load_E.size, phy2log_P.size
    size = key.size // 2
    first_of_tail = max(num_slots - tail, num_experts)
    for e in range(num_experts):
        phy2log_P[e], rank_P[e], logcnt_E[e] = e, 0, 1
    if num_slots == num_experts:
        return
    for e in range(num_experts):
        _set(average, key, size + e, load_E[e])
    key[size + num_experts :] = LAST
    build(key, winner)
    for slot in range(num_experts, num_slots):
        expert = winner[1]
        if slot >= first_of_tail:
            if slot == first_of_tail:
                for e in range(num_experts):
                    _set(odd, odd_key, size + e, load_E[e] / (2 * logcnt_E[e] - 1))
                odd_key[size + num_experts :] = LAST
                build(odd_key, odd_winner)
            key[0] = -min(runner_up(key, winner), 0) if num_experts > 1 else -key[1]
            expert = _weigh(load_E, logcnt_E, average[0], expert, odd_winner[1])
        phy2log_P[slot], rank_P[slot] = expert, logcnt_E[expert]
        logcnt_E[expert] += 1
        _set(average, key, size + expert, load_E[expert] / logcnt_E[expert])
        update(key, winner, expert)
        if slot >= first_of_tail:
            _set(odd, odd_key, size + expert, load_E[expert] / (2 * logcnt_E[expert] - 1))
            update(odd_key, odd_winner, expert)


@kernel(
    "void(float64[:, ::1], int64, int64[:, ::1], int64[:, ::1], int64[:, ::1], float64[::1], int64[::1], int64[::1], "
    "float64[::1], int64[::1], int64[::1])"
)
def _grow_rows(
    load_NE: FloatArray,
    tail: int,
    phy2log_NP: IntArray,
    rank_NP: IntArray,
    logcnt_NE: IntArray,
    average: FloatArray,
    key: IntArray,
    winner: IntArray,
    odd: FloatArray,
    odd_key: IntArray,
    odd_winner: IntArray,
) -> None:
    for row in range(load_NE.shape[0]):
        of_row = (phy2log_NP[row], rank_NP[row], logcnt_NE[row])
        grow(load_NE[row], tail, *of_row, average, key, winner, odd, odd_key, odd_winner)
