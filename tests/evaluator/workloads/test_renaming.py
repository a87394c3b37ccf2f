from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import Topology
from evaluator.workloads.renaming import renaming


@pytest.mark.parametrize("groups", [1, 4, 5])
def test_every_expert_keeps_its_company(groups):
    """Each layer is a permutation of its own; groups move as wholes where they divide the experts."""
    order = renaming(20, 16, Topology(24, groups, 1, 4), np.random.default_rng(0))
    assert (np.sort(order, axis=1) == np.arange(16)).all()
    assert len({tuple(layer) for layer in order}) == 20
    size = 16 // groups if groups == 4 else 16
    assert (order.reshape(20, -1, size) // size == order.reshape(20, -1, size)[:, :, :1] // size).all()
