"""What a caller pays who wants more than a placement from a warm cache: its maps, torch tensors, a cold start."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from eplb_variants import Placement, Topology, Variant
from evaluator.timing.prepare import Prepare, chosen_windows, ready
from evaluator.timing.rounds import time_prepared
from evaluator.timing.settings import TimingSettings
from evaluator.workloads.windows import WindowSequence

COLD_BYTES = 64 << 20
"""Written before each cold call: more than the last cache of most processors that one core can fill."""


class Callers(NamedTuple):
    """Seconds a call, median over rounds of the quickest; NaN where calls did not have their core, or without torch."""

    maps: float
    """``place``, ``logcnt`` and ``log2phy``."""
    torch: float
    """A tensor in, three tensors out, as ``rebalance_experts`` does once it has its variant."""
    cold: float
    """``place`` right after other data went through the caches."""


def time_callers(
    variant: Variant, windows_WLE: WindowSequence, topology: Topology, settings: TimingSettings, seed: int = 0
) -> Callers:
    """Return what callers of a variant pay, timed in rounds beside ``place`` alone.

    Args:
        variant: what is called.
        windows_WLE: loads, ``[W, L, E]``.
        topology: for which machine.
        settings: of the rounds.
        seed: of the order of calls.
    """
    plain = ready(variant, windows_WLE, topology)
    contestants = {"maps": _with_maps(plain), "cold": _cold(plain)}
    through_torch = _through_torch(variant, windows_WLE, topology)
    if through_torch is not None:
        contestants["torch"] = through_torch
    found = time_prepared(contestants, plain, settings, seed, cpu_clock=time.process_time)
    seconds = {name: float(np.median(t.wall)) if t.has_core else float("nan") for name, t in found.items()}
    return Callers(**{name: seconds.get(name, float("nan")) for name in Callers._fields})


def _with_maps(plain: Prepare) -> Prepare:
    def prepare(round_number: int) -> Callable[[], object]:
        call = plain(round_number)

        def with_maps() -> object:
            placement = call()
            assert isinstance(placement, Placement)
            return placement.logcnt, placement.log2phy

        return with_maps

    return prepare


def _cold(plain: Prepare) -> Prepare:
    """Return rounds that write a large array right before each call, outside the clock."""
    array = np.zeros(COLD_BYTES, dtype=np.uint8)

    def prepare(round_number: int) -> Callable[[], object]:
        call = plain(round_number)
        np.add(array, 1, out=array)
        return call

    return prepare


def _through_torch(variant: Variant, windows_WLE: WindowSequence, topology: Topology) -> Prepare | None:
    try:
        import torch
    except ImportError:
        return None
    chosen = chosen_windows(len(windows_WLE))

    def prepare(round_number: int) -> Callable[[], object]:
        load_LE = windows_WLE[chosen[round_number % len(chosen)]]
        weight: Any = torch.tensor(np.asarray(load_LE), dtype=torch.float32)

        def call() -> object:
            placement = variant.place(weight, topology)
            return tuple(map(torch.from_numpy, (placement.phy2log, placement.log2phy, placement.logcnt)))

        return call

    return prepare
