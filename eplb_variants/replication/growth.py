"""What the replicators share: one copy of each expert, then one more at a time to a chosen expert.

Shapes: N rows, E logical experts, P slots.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eplb_variants.contracts import Replication
from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray

Choose = Callable[[int, IntArray], IntArray]
"""From the number of the extra slot and the current counts ``[N, E]`` to the expert ``[N]`` that gets it."""


def grow(load_NE: FloatArray, num_slots: int, choose: Choose) -> Replication:
    """Give every expert one slot in order, then each further slot to the expert that ``choose`` names.

    Raises:
        EplbError: there are fewer slots than experts.
    """
    num_rows, num_experts = load_NE.shape
    if num_slots < num_experts:
        raise EplbError(f"{num_slots} slots are too few for {num_experts} logical experts: each needs at least one")
    phy2log_NP = np.empty((num_rows, num_slots), dtype=np.int64)
    phy2log_NP[:, :num_experts] = np.arange(num_experts)
    rank_NP = np.zeros_like(phy2log_NP)
    logcnt_NE = np.ones((num_rows, num_experts), dtype=np.int64)
    row_N = np.arange(num_rows)
    for extra in range(num_slots - num_experts):
        expert_N = choose(extra, logcnt_NE)
        phy2log_NP[:, num_experts + extra] = expert_N
        rank_NP[:, num_experts + extra] = logcnt_NE[row_N, expert_N]
        logcnt_NE[row_N, expert_N] += 1
    return Replication(phy2log_NP, rank_NP, logcnt_NE)


def largest_load_per_replica(load_NE: FloatArray, logcnt_NE: IntArray) -> IntArray:
    """Return D'Hondt's choice ``[N]``: the expert with the largest load per replica, the lower one on a tie."""
    return np.argmax(load_NE / logcnt_NE, axis=1)
