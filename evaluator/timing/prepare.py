"""Calls made ready for rounds: of which windows, and with what they need."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eplb_variants import Placement, Topology, Variant
from evaluator.quality.replay import place, seen
from evaluator.workloads.windows import WindowSequence

WINDOWS = 4
"""Windows that rounds go through: enough that no variant is timed on one lucky load."""
Prepare = Callable[[int], Callable[[], object]]
"""From the number of a round to a call; the input is made ready before the clock starts."""


def chosen_windows(num_windows: int) -> list[int]:
    """Return the windows that rounds go through, spread over all."""
    chosen: list[int] = np.unique(np.linspace(0, num_windows - 1, WINDOWS).astype(int)).tolist()
    return chosen


def ready(variant: Variant, windows_WLE: WindowSequence, topology: Topology) -> Prepare:
    """Return a function that readies a call for a round: its own copy of the history, its own previous placement."""
    chosen = chosen_windows(len(windows_WLE))
    previous: dict[int, Placement | None] = {}

    def prepare(round_number: int) -> Callable[[], object]:
        window = chosen[round_number % len(chosen)]
        if window not in previous:
            previous[window] = place(variant, windows_WLE, window - 1, topology, None) if window else None
        history_WLE = seen(variant, windows_WLE, window)
        return lambda: variant.place(history_WLE, topology, previous[window])

    return prepare
