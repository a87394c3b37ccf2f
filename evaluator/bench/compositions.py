"""What orders of variants are measured over: compositions of the registry's stages, and loads to try them on.

Shapes: W windows, L layers, E logical experts.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eplb_variants import EplbError, Placement, Topology, Variant, load_variant
from eplb_variants.loads import FloatArray, IntArray
from evaluator.quality.metrics import balance
from evaluator.quality.replay import place
from evaluator.workloads.moments import stretches
from evaluator.workloads.shipped import shipped_recordings
from evaluator.workloads.trace import in_windows
from evaluator.workloads.windows import WindowSequence

FORECASTERS: dict[str, Any] = {
    "last": "last",
    "mean of 2": {"name": "mean", "windows": 2},
    "mean of 4": {"name": "mean", "windows": 4},
    "exponential": {"name": "exponential", "alpha": 0.35},
}
"""Forecasters by the names that tables and figures have: those of the compositions."""
FURTHER: dict[str, Any] = {
    "trend": "trend",
    "median of 8": {"name": "quantile", "q": 0.5},
    "quantile .75": "quantile",
    "adaptive": "adaptive",
}
"""Forecasters that are compared with each other alone."""
REPLICATORS = ("dhondt", "hybrid", "none")
PACKERS = ("greedy", "diverse")
SWAPS = (0, 2)
EXTRA = "EPLB_LAB_EXTRA_DATA"
"""Environment variable that names a folder with recordings, at any depth, as ``.npz``."""


def composed(forecaster: str, replicator: str = "dhondt", packer: str = "greedy", swaps: int = 0) -> Variant:
    """Return a composition; with the defaults and ``last``, that is ``deepseek``.

    Args:
        forecaster: a name of ``FORECASTERS`` or ``FURTHER``.
        replicator: a registered replicator.
        packer: a registered packer, for GPUs.
        swaps: of the packer for GPUs, at most.
    """
    return load_variant(
        {
            "name": f"{forecaster}, {replicator}, {packer}, {swaps} swaps",
            "forecaster": {**FORECASTERS, **FURTHER}[forecaster],
            "group_packer": "greedy",
            "replicator": replicator,
            "fixup": "none",
            "gpu_packer": {"name": packer, "refine_steps": swaps},
        }
    )


def compositions() -> list[Variant]:
    """Return every forecaster with every replicator, packer and number of swaps: 48."""
    return [composed(*stages) for stages in itertools.product(FORECASTERS, REPLICATORS, PACKERS, SWAPS)]


Make = Callable[[int], WindowSequence]
"""From a seed to the windows of a trace."""


class Balances(NamedTuple):
    """Balancedness of GPUs on the window that a placement was made from, and on the one after it."""

    own_W: FloatArray
    next_W: FloatArray
    """One entry less."""


def balances(variant: Variant, windows_WLE: WindowSequence, topology: Topology) -> Balances:
    """Return the balancedness of a variant that places every window anew, by window."""
    return balances_by(lambda window: place(variant, windows_WLE, window, topology, None), windows_WLE)


def balances_by(placed: Callable[[int], Placement], windows_WLE: WindowSequence) -> Balances:
    """Return the balancedness of the placements made of each window, by its number."""
    own, after = [], []
    for window in range(len(windows_WLE)):
        placement = placed(window)
        own.append(balance(windows_WLE[window], placement).gpu)
        if window + 1 < len(windows_WLE):
            after.append(balance(windows_WLE[window + 1], placement).gpu)
    return Balances(np.array(own), np.array(after))


def machine_for(num_experts: int) -> Topology:
    """Return a machine with an eighth more slots than experts: 32 GPUs on 4 nodes from 256 experts on, else 8 on 2.

    It is hierarchical with 8 groups where the experts divide into 8.
    """
    gpus, nodes = (32, 4) if num_experts >= 256 else (8, 2)
    slots = -(-num_experts * 9 // 8 // gpus) * gpus
    return Topology(slots, 8, nodes, gpus) if num_experts % 8 == 0 else Topology(slots, 1, 1, gpus)


def recordings(named: Sequence[str] = ()) -> list[Path]:
    """Return the recordings that are named; without any, those that ship and those of ``EPLB_LAB_EXTRA_DATA``.

    Of the ``.npz`` files in the folder of that name those with ``counts`` are recordings.

    Args:
        named: files, or names of recordings that ship.

    Raises:
        EplbError: a file that is named is not there.
    """
    shipped = shipped_recordings()
    found = [shipped.get(name, Path(name)) for name in named]
    for path in found:
        if not path.is_file():
            raise EplbError(f"there is no recording in {str(path)!r}")
    if found:
        return found
    folder = os.environ.get(EXTRA)
    return [*shipped.values(), *(sorted(_with_counts(Path(folder))) if folder else [])]


def _with_counts(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*.npz"):
        with np.load(path, allow_pickle=False) as file:
            if "counts" in file.files:
                yield path


def cuts(steps_SLE: IntArray, intervals: Sequence[int], fewest: int) -> Iterator[tuple[str, list[IntArray]]]:
    """Yield the windows of a recording at each interval, whole and in parts between its jumps, where it has any.

    Args:
        steps_SLE: its steps.
        intervals: steps in a window.
        fewest: windows of a part, at least; shorter ones are left out.
    """
    between = stretches(steps_SLE)
    ways = {"whole": [steps_SLE], "within tasks": between} if len(between) > 1 else {"whole": [steps_SLE]}
    for interval in intervals:
        for how, parts in ways.items():
            kept = [part for part in (in_windows(steps, interval) for steps in parts) if len(part) >= fewest]
            if kept:
                yield f"{how}, {interval} steps", kept
