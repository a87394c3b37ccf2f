"""The k-move fix-up: take a copy from one of the hottest experts and give it to one of the coldest, up to k times.

Shapes: N rows, E logical experts, P columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eplb_variants.contracts import Replication
from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.registry import register

GAIN = 1e-12
"""Tokens by which a move must lower the peak to count as strictly better."""


@register("fixup", "k_move", "up to `moves` times, move one replica from a hot to a cold expert if the peak falls")
@dataclass(frozen=True)
class KMove:
    """Move one replica at a time while that strictly lowers the largest load per replica.

    Donors are the two experts with the largest load per replica, if they have more than one copy; receivers the two
    with the smallest. The pair that gives the lowest peak wins, the earlier pair on a tie; the donor's highest-ranked
    copy is the one that changes. The idea is from the seed candidate (two moves) and its parent (one).

    It is weaker than it looks. With three or more experts it can never find a move: if the donor is the hottest expert,
    its load per replica rises above the peak, and if it is the second, the hottest stays where it is. Only where two
    experts share a row can the second give a copy to the hottest. A test holds this.

    Args:
        moves: moves a row at most, 0 or more.
    """

    moves: int = 1

    def __post_init__(self) -> None:
        if self.moves < 0:
            raise EplbError(f"moves is {self.moves}: it must be 0 or more")

    def __call__(self, load: FloatArray, replication: Replication) -> Replication:
        """Return a better replication for ``load [N, E]``; rows without redundancy stay as they are."""
        fixed = Replication(*(array.copy() for array in replication))
        num_experts = load.shape[1]
        if num_experts < 2 or fixed.phy2log.shape[1] == num_experts:
            return fixed
        active_N = np.arange(load.shape[0])
        for _ in range(self.moves):
            active_N = active_N[_move(load, fixed, active_N)]
            if active_N.size == 0:
                break
        return fixed


def _move(load_NE: FloatArray, fixed: Replication, active_N: IntArray) -> np.ndarray:
    """Do the best move in each active row, in place; return which rows had one."""
    load, logcnt = load_NE[active_N], fixed.logcnt[active_N]
    average = load / logcnt
    row_N1 = np.arange(active_N.size)[:, None]
    donors_N2 = np.argsort(-average, axis=1, kind="stable")[:, :2]
    receivers_N2 = np.argsort(average, axis=1, kind="stable")[:, :2]
    copies_N2 = logcnt[row_N1, donors_N2]
    with np.errstate(divide="ignore", invalid="ignore"):
        donor_after_N2 = load[row_N1, donors_N2] / (copies_N2 - 1)
    receiver_after_N2 = load[row_N1, receivers_N2] / (logcnt[row_N1, receivers_N2] + 1)
    peak_N22 = np.maximum(donor_after_N2[:, :, None], receiver_after_N2[:, None, :])
    peak_N22 = np.maximum(peak_N22, _peak_of_the_rest(average, donors_N2, receivers_N2))
    forbidden_N22 = (copies_N2 < 2)[:, :, None] | (donors_N2[:, :, None] == receivers_N2[:, None, :])
    peak_N4 = np.where(forbidden_N22, np.inf, peak_N22).reshape(active_N.size, 4)
    best_N = peak_N4.argmin(axis=1)
    helps_N = peak_N4[row_N1[:, 0], best_N] + GAIN < average.max(axis=1)

    rows = active_N[helps_N]
    donor = donors_N2[row_N1[:, 0], best_N // 2][helps_N]
    receiver = receivers_N2[row_N1[:, 0], best_N % 2][helps_N]
    fixed.logcnt[rows, donor] -= 1
    copy = (fixed.phy2log[rows] == donor[:, None]) & (fixed.rank[rows] == fixed.logcnt[rows, donor][:, None])
    column = copy.argmax(axis=1)
    fixed.phy2log[rows, column] = receiver
    fixed.rank[rows, column] = fixed.logcnt[rows, receiver]
    fixed.logcnt[rows, receiver] += 1
    return helps_N


def _peak_of_the_rest(average_NE: FloatArray, donors_N2: IntArray, receivers_N2: IntArray) -> FloatArray:
    """Return ``[N, 2, 2]``: the largest load per replica among the experts that are neither donor nor receiver."""
    row_N = np.arange(average_NE.shape[0])
    peaks = np.empty((average_NE.shape[0], 2, 2))
    for i in range(2):
        for j in range(2):
            rest_NE = average_NE.copy()
            rest_NE[row_N, donors_N2[:, i]] = rest_NE[row_N, receivers_N2[:, j]] = 0
            peaks[:, i, j] = rest_NE.max(axis=1)
    return peaks
