"""What no placement can pass: upper bounds on the balancedness of GPUs for a load and a machine.

For every layer a load ``T`` is proved that the fullest GPU cannot be under; ``balancedness_gpu`` is then at most the
sum of the layers' mean GPU loads over the sum of their ``T``. ``peaks.py`` and ``grouping.py`` have the proofs.

Shapes: L layers, E logical experts.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eplb_variants import Topology
from eplb_variants.kernels.compiled import ready
from evaluator.quality.bounds.grouping import lightest_heaviest
from evaluator.quality.bounds.peaks import peaks_any, peaks_even

MOST_KEPT = 4096
"""Loads whose bounds are kept: the last ones."""


class Bound(NamedTuple):
    """Upper bounds on ``balancedness_gpu``; NaN where no layer has load."""

    even: float
    """Where each expert's tokens are shared evenly by its replicas."""
    any: float
    """However they are split over the replicas."""


_kept: OrderedDict[bytes, Bound] = OrderedDict()
_lock = Lock()


def bound(load_LE: NDArray[np.generic], topology: Topology) -> Bound:
    """Return what no placement of ``load [L, E]`` on a machine can pass; kept, since it is the same for every variant.

    Under the hierarchical policy (groups divide over nodes, experts into groups, and there is more than one node) it
    holds for placements that keep groups on their nodes, as the policy asks; others are bounded by ``topology.flat()``.

    Raises:
        UnfitError: there are fewer slots than experts.
    """
    load = ready(load_LE)
    topology.check_experts(load.shape[1])
    key = hashlib.blake2b(load.tobytes() + repr((load.shape, topology)).encode(), digest_size=16).digest()
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    found = _bound(load, topology)
    with _lock:
        _kept[key] = found
        if len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return found


def keeps_groups(num_experts: int, topology: Topology) -> bool:
    """Return whether the bound is one for placements that keep groups on their nodes."""
    return topology.num_nodes > 1 and topology.hierarchical and num_experts % topology.num_groups == 0


def _bound(load_LE: NDArray[np.float64], topology: Topology) -> Bound:
    total = float(load_LE.sum())
    if not total:
        return Bound(float("nan"), float("nan"))
    mean = total / topology.num_gpus
    any_L, even_L = peak_bounds(load_LE, topology)
    return Bound(mean / float(even_L.sum()), mean / float(any_L.sum()))


def peak_bounds(load_LE: NDArray[np.float64], topology: Topology) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``[L]`` twice: what the fullest GPU of each layer holds at least, under any dispatch and under even."""
    slots, gpus, nodes = topology.num_slots, topology.num_gpus, topology.num_nodes
    falling_LE = np.ascontiguousarray(-np.sort(-load_LE, axis=1))
    speed_G = np.ascontiguousarray(-np.sort(-topology.relative_speeds))
    any_L = peaks_any(falling_LE, slots, speed_G)
    if keeps_groups(load_LE.shape[1], topology):
        in_groups = load_LE.reshape(len(load_LE), topology.num_groups, -1)
        fastest = topology.relative_speeds.reshape(nodes, -1).sum(axis=1).max()
        of_groups = lightest_heaviest(in_groups.sum(axis=2), nodes) / fastest
        any_L = np.maximum(any_L, of_groups)
        spare = (slots - load_LE.shape[1]) // nodes  # of a node
        size = in_groups.shape[2]
        rows = np.ascontiguousarray(-np.sort(-in_groups.reshape(-1, size), axis=1))
        within = peaks_any(rows, size + spare, speed_G[: topology.gpus_per_node], volume=False)
        any_L = np.maximum(any_L, within.reshape(len(load_LE), -1).max(axis=1))
    return any_L, peaks_even(falling_LE / speed_G[0], slots, gpus, any_L)
