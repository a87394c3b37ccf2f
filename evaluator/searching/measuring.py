"""What a composition is worth: balance on the next window, moved slots and time, on every trace of a part."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from eplb_variants import EplbError, Placement, Topology, Variant
from eplb_variants.loads import FloatArray
from evaluator.quality import metrics
from evaluator.quality.bounds import keeps_groups
from evaluator.quality.replay import place, seen
from evaluator.sweep.stratum import Stratum
from evaluator.workloads.windows import WindowSequence

CALLS = 5
"""Calls of either side of which the quickest counts, in CPU time: others may be at work on the machine."""


class How(NamedTuple):
    """How a variant is measured.

    Attributes:
        place_seconds: that a call may take.
        by_load: whether tokens are split over replicas by load, as well as can be, instead of evenly.
        any_node: whether expert groups need not stay on their nodes.
    """

    place_seconds: float = 1.0
    by_load: bool = False
    any_node: bool = False


class TooSlow(EplbError):
    """A placement takes longer than a search may wait for it."""


class LeavesNode(EplbError):
    """A group of experts is not on one node, though groups divide over nodes."""


@dataclass(frozen=True)
class Worth:
    """What a variant is worth.

    Attributes:
        next: balancedness of GPUs on the next window, by window, stratum and trace.
        moved: share of slots moved a rebalance, mean of the strata.
        seconds: CPU time of its quickest call over the reference's.
    """

    next: list[list[FloatArray]]
    moved: float
    seconds: float

    @property
    def mean(self) -> float:
        """The mean of strata of means of traces."""
        return float(np.mean([np.mean([np.nanmean(trace) for trace in stratum]) for stratum in self.next]))


def measured(variant: Variant, reference: Variant, strata: Sequence[Stratum], how: How) -> Worth:
    """Return what a variant is worth on every trace of some strata.

    Args:
        variant: which.
        reference: beside which its time is taken.
        strata: of a part.
        how: what it may do and take.

    Raises:
        TooSlow: a call takes longer.
        LeavesNode: a group is not on one node.
        EplbError: the variant cannot use a load, or returns no placement.
    """
    ratio = _time(variant, reference, strata[0], how.place_seconds)
    found, moves = [], []
    for stratum in strata:
        traces = [_on(variant, windows, stratum.topology, how) for windows in stratum.traces]
        found.append([balances for balances, _ in traces])
        moves.append(float(np.mean([moved for _, moved in traces])))
    return Worth(found, float(np.mean(moves)), ratio)


def _on(variant: Variant, windows: WindowSequence, topology: Topology, how: How) -> tuple[FloatArray, float]:
    """Return the balancedness on each next window of a trace, and the share of slots moved a rebalance."""
    stays = not how.any_node and keeps_groups(windows.shape[2], topology)
    previous: Placement | None = None
    balances, moved = [], []
    for window in range(len(windows) - 1):
        placement = place(variant, windows, window, topology, previous)
        used_L = windows[window].any(axis=1)
        if stays and metrics.group_locality(placement, used_L) < 1:
            raise LeavesNode("a group of experts is not on one node")
        after_LE = windows[window + 1]
        even = None if how.by_load else metrics.balance(after_LE, placement).gpu
        balances.append(metrics.balance_dispatched(after_LE, placement) if even is None else even)
        if previous is not None:
            moved.append(metrics.moved_slots(previous, placement, used_L))
        previous = placement
    return np.array(balances), float(np.mean(moved)) if moved else 0.0


def _time(variant: Variant, reference: Variant, stratum: Stratum, place_seconds: float) -> float:
    windows = stratum.traces[0]
    last = max(len(windows) - 2, 0)
    previous = reference.place(windows[max(last - 1, 0)], stratum.topology)

    def call(one: Variant) -> float:
        began = time.process_time()
        one.place(seen(one, windows, last), stratum.topology, previous)
        took = time.process_time() - began
        if one is variant and took > place_seconds:
            raise TooSlow(f"a placement takes {took:.2f} s, and {place_seconds:g} s are the most")
        return took

    call(variant)
    both = [(call(variant), call(reference)) for _ in range(CALLS)]
    return min(own for own, _ in both) / max(min(other for _, other in both), 1e-9)
