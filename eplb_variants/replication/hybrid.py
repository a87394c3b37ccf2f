"""The hybrid replicator: D'Hondt, but the last tenth of the extra replicas may follow Sainte-Lague."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from eplb_variants.contracts import Replication
from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.registry import register
from eplb_variants.replication.growth import grow, largest_load_per_replica

TIE = 1e-12
"""Predicted peaks (tokens) closer than this are a tie."""


@register("replicator", "hybrid", "D'Hondt, its last slots weighed against Sainte-Lague's choice")
@dataclass(frozen=True)
class Hybrid:
    """D'Hondt for most redundant slots; for the tail, whichever of two choices predicts the lower peak.

    In the tail, D'Hondt's choice is compared with Sainte-Lague's, the largest ``load / (2 * copies - 1)``. The
    predicted peak of a choice is the larger of the second-largest load per replica now and the chosen expert's load
    per replica after its gain. The lower one wins; on a tie the choice whose smaller number of the two is lower;
    D'Hondt's if these are equal too. The rule is that of the program which the seed candidate changes.

    Args:
        tail: share of the redundant slots that is weighed, 0 to 1, rounded up to whole slots and at least one.
    """

    tail: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.tail <= 1:
            raise EplbError(f"tail is {self.tail}: it is a share of the redundant slots, 0 to 1")

    def __call__(self, load: FloatArray, num_slots: int) -> Replication:
        """Replicate ``load [N, E]`` into ``num_slots`` columns; EplbError where these are fewer than experts."""
        redundant = num_slots - load.shape[1]
        first_of_tail = redundant - max(1, math.ceil(self.tail * redundant - 1e-9))

        def choose(extra: int, logcnt_NE: IntArray) -> IntArray:
            if extra < first_of_tail:
                return largest_load_per_replica(load, logcnt_NE)
            return _weigh(load, logcnt_NE)

        return grow(load, num_slots, choose)


def _weigh(load_NE: FloatArray, logcnt_NE: IntArray) -> IntArray:
    average_NE = load_NE / logcnt_NE
    dhondt_N = np.argmax(average_NE, axis=1)
    sainte_lague_N = np.argmax(load_NE / (2 * logcnt_NE - 1), axis=1)
    second_N = np.partition(average_NE, -2, axis=1)[:, -2] if load_NE.shape[1] > 1 else average_NE[:, 0]
    row_N = np.arange(load_NE.shape[0])

    def after_gain(expert_N: IntArray) -> FloatArray:
        return load_NE[row_N, expert_N] / (logcnt_NE[row_N, expert_N] + 1)

    after_d, after_s = after_gain(dhondt_N), after_gain(sainte_lague_N)
    peak_d, peak_s = np.maximum(second_N, after_d), np.maximum(second_N, after_s)
    low_d, low_s = np.minimum(second_N, after_d), np.minimum(second_N, after_s)
    tied_N = np.abs(peak_s - peak_d) <= TIE
    return np.where((peak_s < peak_d - TIE) | (tied_N & (low_s < low_d)), sainte_lague_N, dhondt_N)
