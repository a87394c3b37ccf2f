"""The k-move fix-up, compiled away.

With three or more experts in a row its rule never finds a move, whatever the loads and counts (``KMove`` says why): the
fastest way to the same answer is not to look. Rows of two experts, which no model has, go through the readable stage.
"""

from __future__ import annotations

import numpy as np

from eplb_variants.contracts import Replication
from eplb_variants.fixup.k_move import KMove
from eplb_variants.loads import FloatArray

FEWEST_WITHOUT_MOVES = 3
"""Experts in a row from which on no move can lower the peak."""


def k_move(stage: KMove, load: FloatArray, replication: Replication) -> Replication:
    """Answer as ``KMove`` does."""
    if load.shape[1] < FEWEST_WITHOUT_MOVES:
        return stage(load, replication)
    return Replication(*(np.array(array) for array in replication))
