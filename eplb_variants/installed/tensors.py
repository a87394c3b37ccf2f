"""A load to an engine's tensor, and an engine's answer back.

Shapes: L layers, E logical experts, P slots, X replicas of the most replicated expert (or more, padded with -1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from eplb_variants.contracts import Replication
from eplb_variants.errors import UnfitError
from eplb_variants.loads import FloatArray, IntArray, as_numpy
from eplb_variants.topology import Topology

if TYPE_CHECKING:
    import torch


def to_engine(load_LE: FloatArray, topology: Topology) -> torch.Tensor:
    """Return a copy of a load ``[L, E]`` as the float32 tensor on the CPU that engines plan with.

    Raises:
        UnfitError: the groups divide over the nodes, so that engines take the hierarchical policy, and the experts do
            not divide into the groups; or a layer's load is beyond float32.
    """
    import torch

    if topology.hierarchical:
        topology.check_groups(load_LE.shape[1])
    if load_LE.sum(axis=1).max() > np.finfo(np.float32).max:
        raise UnfitError("the load of a layer is beyond float32, in which engines plan: divide it by a constant")
    return torch.from_numpy(load_LE.astype(np.float32))


def from_engine(phy2log: Any, log2phy: Any, logcnt: Any) -> Replication:
    """Return an engine's answer: tensors ``[L, P]``, ``[L, E, X]`` padded with -1, ``[L, E]``; none is corrected."""
    phy2log_LP, log2phy_LEX, logcnt_LE = (as_numpy(array).astype(np.int64) for array in (phy2log, log2phy, logcnt))
    return Replication(phy2log_LP, _rank(log2phy_LEX, phy2log_LP.shape), logcnt_LE)


def _rank(log2phy_LEX: IntArray, shape: tuple[int, ...]) -> IntArray:
    """Return the number ``[L, P]`` of each slot's copy; -1, which no check lets pass, if ``log2phy`` omits it."""
    rank_LP = np.full(shape, -1, dtype=np.int64)
    layer, expert, rank = np.nonzero(log2phy_LEX >= 0)
    rank_LP[layer, log2phy_LEX[layer, expert, rank]] = rank
    return rank_LP
