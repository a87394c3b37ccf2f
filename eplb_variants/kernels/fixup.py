"""Fix-ups that change nothing, compiled away.

``none`` never does. With three or more experts in a row ``KMove`` never finds a move, whatever the loads and counts:
its docstring says why. The fastest way to the same answer is not to look. Rows of two experts, which no model has, go
through the readable stage.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eplb_variants.contracts import Replication
from eplb_variants.fixup.k_move import KMove
from eplb_variants.fixup.none import none
from eplb_variants.kernels import compiles
from eplb_variants.loads import FloatArray

FEWEST_WITHOUT_MOVES = 3
"""Experts in a row from which on no move can lower the peak."""


class Unmoved(NamedTuple):
    """A fix-up's part in the pipeline: it leaves all rows as they are."""


UNMOVED = Unmoved()


@compiles(none, fused=lambda *_: UNMOVED)
def unmoved(stage: object, load: FloatArray, replication: Replication) -> Replication:
    """Answer as ``none`` does."""
    return replication


@compiles(KMove, fused=lambda _, num_experts, __: UNMOVED if num_experts >= FEWEST_WITHOUT_MOVES else None)
def k_move(stage: KMove, load: FloatArray, replication: Replication) -> Replication:
    """Answer as ``KMove`` does."""
    if load.shape[1] < FEWEST_WITHOUT_MOVES:
        return stage(load, replication)
    return Replication(*(np.array(array) for array in replication))
