"""What layers with unequal numbers of slots would gain, at equal memory: the marginal gain of a slot, by layer.

Engines hold equally many slots of every layer. One that did not could take slots from layers that need none and give
them to others, as CRAFT does (arXiv 2603.28768, 2026): each further one to the layer whose step gets shortest by it.

Shapes: L layers, E logical experts, K sizes of a layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eplb_variants import Placement, Variant, load_variant
from eplb_variants.loads import FloatArray, IntArray
from evaluator.analysis.statistics import mean_of_series
from evaluator.bench.compositions import machine_for
from evaluator.bench.forecasters import SCENARIOS, made_by
from evaluator.bench.line import Line
from evaluator.progress import Progress
from evaluator.quality.metrics import gpu_loads
from evaluator.quality.replay import place
from evaluator.workloads.windows import WindowSequence

VARIANTS = ("deepseek", "lab_best")
LESS, MORE = 1, 4
"""Slots that a GPU may have less and more of a layer than it would have of each if they were equal."""
SEEDS = 3
AGAINST = "balancedness more than with equally many slots in every layer"


def divided(peak_LK: FloatArray, most: int) -> IntArray:
    """Return which size each layer gets, ``[L]``, so that the sum of their peaks is as low as can be.

    Args:
        peak_LK: of each layer at each size; size ``k`` costs ``k`` units more than the first.
        most: units in all, 0 or more.
    """
    num_layers, num_sizes = peak_LK.shape
    least_B = np.zeros(most + 1)
    """By units, the least sum of the peaks of the layers so far."""
    chosen_LB = np.zeros((num_layers, most + 1), dtype=np.int64)
    for layer in range(num_layers):
        sums_KB = np.full((num_sizes, most + 1), np.inf)
        for size in range(min(num_sizes, most + 1)):
            sums_KB[size, size:] = least_B[: most + 1 - size] + peak_LK[layer, size]
        chosen_LB[layer] = sums_KB.argmin(axis=0)
        least_B = sums_KB.min(axis=0)
    chosen_L = np.zeros(num_layers, dtype=np.int64)
    for layer in reversed(range(num_layers)):
        chosen_L[layer] = chosen_LB[layer, most]
        most -= int(chosen_L[layer])
    return chosen_L


def measure_budget(
    progress: Progress,
    scenarios: Sequence[str] = SCENARIOS,
    seeds: int = SEEDS,
    variants: Sequence[str] = VARIANTS,
) -> list[Line]:
    """Return what dividing slots over layers gains, on the window that decided it and on the one after it.

    Experts may go to any GPU, and tokens are split evenly. A layer has from ``LESS`` fewer to ``MORE`` more slots on
    each GPU; in all there are as many as where layers are equal. Which layer gets how many is found anew for every
    window, exactly, from what the variant places on it.
    """
    progress.start("budget", len(scenarios) * len(variants))
    lines = []
    for scenario in scenarios:
        traces = made_by(scenario, seeds)
        for name in variants:
            gains = [_gains(load_variant(name), windows) for windows in traces]
            for column, window in enumerate(("own", "next")):
                gain = mean_of_series([list(trace[:, column : column + 1]) for trace in gains])
                lines.append(Line("budget", f"{name}, {window}", scenario, ratio=gain, against=AGAINST))
            progress.step(f"{scenario}, {name}")
    return lines


def _gains(variant: Variant, windows_WLE: WindowSequence) -> FloatArray:
    """Return by window what a trace gains on it and on the next, ``[W - 1, 2]``."""
    num_experts = windows_WLE.shape[2]
    equal = machine_for(num_experts).flat()
    fewest = max(equal.slots_per_gpu - LESS, -(-num_experts // equal.num_gpus))
    sizes = range(fewest, equal.slots_per_gpu + MORE + 1)
    machines = [replace(equal, num_slots=equal.num_gpus * size) for size in sizes]
    before: list[Placement | None] = [None] * len(machines)
    gains = []
    for window in range(len(windows_WLE) - 1):
        placed = [place(variant, windows_WLE, window, *both) for both in zip(machines, before, strict=True)]
        before = [*placed]
        loads = windows_WLE[window], windows_WLE[window + 1]
        gains.append(_gained(loads, placed, equal.slots_per_gpu - fewest))
    return np.array(gains)


def _gained(loads: Sequence[IntArray], placed: Sequence[Placement], equal: int) -> list[float]:
    """Return what dividing slots by the first of some loads gains on each.

    Args:
        loads: ``[L, E]`` each.
        placed: all layers at each size.
        equal: which size they have where they are equal.
    """
    peaks = [np.stack([gpu_loads(load_LE, one).max(axis=1) for one in placed], axis=1) for load_LE in loads]
    num_layers = len(peaks[0])
    chosen_L = divided(peaks[0], num_layers * equal)
    return [
        float(load_LE.sum() / placed[0].topology.num_gpus)
        * float(1 / peak_LK[np.arange(num_layers), chosen_L].sum() - 1 / peak_LK[:, equal].sum())
        for load_LE, peak_LK in zip(loads, peaks, strict=True)
    ]
