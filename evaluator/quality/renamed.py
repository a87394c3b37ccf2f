"""What breaking ties does: balance on the same windows with experts renamed, from which nothing else can change.

Shapes: R renamings, W windows, L layers, E logical experts.
"""

from __future__ import annotations

import numpy as np

from eplb_variants import Placement, Topology, Variant
from eplb_variants.loads import FloatArray
from evaluator.quality.metrics import balance
from evaluator.quality.replay import place
from evaluator.workloads.renaming import Renamed, renaming
from evaluator.workloads.windows import WindowSequence


def renamed_balances(
    variant: Variant, windows_WLE: WindowSequence, topology: Topology, renamings: int, seed: int = 0
) -> FloatArray:
    """Return the balancedness of GPUs with experts renamed, on the next windows: ``[R, W - 1]``.

    Args:
        variant: it places every window, as in a run.
        windows_WLE: of a workload; where there is one window, balance is that on this, ``[R, 1]``.
        topology: groups stay together in every renaming.
        renamings: ``R``; the same one for all windows, another for every layer.
        seed: of the renamings.
    """
    num_windows, num_layers, num_experts = windows_WLE.shape
    ahead = min(1, num_windows - 1)
    found_RW = np.empty((renamings, num_windows - ahead))
    for number in range(renamings):
        order_LE = renaming(num_layers, num_experts, topology, np.random.default_rng([seed, number]))
        renamed_WLE, previous = Renamed(windows_WLE, order_LE), None
        for window in range(num_windows - ahead):
            placement: Placement = place(variant, renamed_WLE, window, topology, previous)
            found_RW[number, window] = balance(renamed_WLE[window + ahead], placement).gpu
            previous = placement
    return found_RW
