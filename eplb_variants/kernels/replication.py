"""The replicators, compiled: a tree of experts by load per replica.

Shapes: N rows, E logical experts, P columns.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import float64, int64, void

from eplb_variants.contracts import Replication
from eplb_variants.errors import EplbError
from eplb_variants.kernels import compiles
from eplb_variants.kernels.compiled import FLOAT_ROWS, FLOATS, INT_ROWS, INTS, kernel, named, ready
from eplb_variants.kernels.tree import LAST, TREE, Tree, build, new_tree, runner_up, update
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.replication.dhondt import dhondt as readable_dhondt
from eplb_variants.replication.divisor import Divisor
from eplb_variants.replication.hybrid import TIE, Hybrid


class Growth(NamedTuple):
    """A replicator's part in the pipeline: a divisor's rule, D'Hondt's last slots weighed against Sainte-Lague's."""

    tail: int
    """How many of a row's last slots are weighed, 0 or more."""
    offset: float = 0.0
    """What is added to an expert's copies to divide its load by; 0 where slots are weighed."""


class Trees(NamedTuple):
    """What a row is replicated with."""

    average: Tree
    """Experts by load per replica, the largest first."""
    odd: Tree
    """Experts by Sainte-Lague's quotient, the largest first."""


GROWTH = named(Growth, int64, float64)
TREES = named(Trees, TREE, TREE)
REPLICATION = named(Replication, INT_ROWS, INT_ROWS, INT_ROWS)


@kernel(TREES(int64))
def new_trees(num_experts: int) -> Trees:
    """Return trees for rows of that many experts."""
    return Trees(new_tree(num_experts), new_tree(num_experts))


@compiles(readable_dhondt, fused=lambda *_: Growth(0))
def dhondt(stage: object, load: FloatArray, num_slots: int) -> Replication:
    """Answer as ``dhondt`` does."""
    return _replicate(load, num_slots, Growth(0))


def divisor_growth(stage: Divisor, *_: int) -> Growth:
    """Return the rule of ``Divisor``."""
    return Growth(0, float(stage.offset))


@compiles(Divisor, fused=divisor_growth)
def divisor(stage: Divisor, load: FloatArray, num_slots: int) -> Replication:
    """Answer as ``Divisor`` does."""
    return _replicate(load, num_slots, divisor_growth(stage))


def hybrid_growth(stage: Hybrid, num_experts: int, num_slots: int) -> Growth:
    """Return how many of the last slots ``Hybrid`` weighs."""
    return Growth(max(1, math.ceil(stage.tail * (num_slots - num_experts) - 1e-9)))


@compiles(Hybrid, fused=hybrid_growth)
def hybrid(stage: Hybrid, load: FloatArray, num_slots: int) -> Replication:
    """Answer as ``Hybrid`` does."""
    return _replicate(load, num_slots, hybrid_growth(stage, load.shape[1], num_slots))


def check_slots(num_experts: int, num_slots: int) -> None:
    """Raise EplbError where there are fewer slots than experts."""
    if num_slots < num_experts:
        raise EplbError(f"{num_slots} slots are too few for {num_experts} logical experts: each needs at least one")


def _replicate(load: FloatArray, num_slots: int, growth: Growth) -> Replication:
    num_rows, num_experts = load.shape
    check_slots(num_experts, num_slots)
    phy2log_NP, rank_NP = (np.empty((num_rows, num_slots), dtype=np.int64) for _ in range(2))
    made = Replication(phy2log_NP, rank_NP, np.empty((num_rows, num_experts), dtype=np.int64))
    _grow_rows(ready(load), growth, made)
    return made


@kernel(void(FLOATS, INTS, int64, float64))
def _set(number: FloatArray, key: IntArray, node: int, value: float) -> None:
    """Give a leaf the key of a number, the largest first."""
    number[node] = value + 0.0  # no negative zeros: their bits sort elsewhere
    key[node] = -key[node]


@kernel(int64(FLOATS, INTS, float64, int64, int64))
def _weigh(load_E: FloatArray, logcnt_E: IntArray, second: float, dhondt: int, sainte_lague: int) -> int:
    after_d = load_E[dhondt] / (logcnt_E[dhondt] + 1)
    after_s = load_E[sainte_lague] / (logcnt_E[sainte_lague] + 1)
    peak_d, peak_s = max(second, after_d), max(second, after_s)
    low_d, low_s = min(second, after_d), min(second, after_s)
    if peak_s < peak_d - TIE or (abs(peak_s - peak_d) <= TIE and low_s < low_d):
        return sainte_lague
    return dhondt


@kernel(void(FLOATS, GROWTH, INTS, INTS, INTS, TREES))
def grow(
    load_E: FloatArray, growth: Growth, phy2log_P: IntArray, rank_P: IntArray, logcnt_E: IntArray, trees: Trees
) -> None:
    """Replicate one row."""
    average, key, winner = trees.average
    odd, odd_key, odd_winner = trees.odd
    num_experts, num_slots = load_E.size, phy2log_P.size
    size = key.size // 2
    first_of_tail = max(num_slots - growth.tail, num_experts)
    for e in range(num_experts):
        phy2log_P[e], rank_P[e], logcnt_E[e] = e, 0, 1
    if num_slots == num_experts:
        return
    for e in range(num_experts):
        _set(average, key, size + e, load_E[e] / (1 + growth.offset))
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
        _set(average, key, size + expert, load_E[expert] / (logcnt_E[expert] + growth.offset))
        update(key, winner, expert)
        if slot >= first_of_tail:
            _set(odd, odd_key, size + expert, load_E[expert] / (2 * logcnt_E[expert] - 1))
            update(odd_key, odd_winner, expert)


@kernel(void(FLOAT_ROWS, GROWTH, REPLICATION))
def _grow_rows(load_NE: FloatArray, growth: Growth, made: Replication) -> None:
    trees = new_trees(load_NE.shape[1])
    for row in range(load_NE.shape[0]):
        grow(load_NE[row], growth, made.phy2log[row], made.rank[row], made.logcnt[row], trees)
