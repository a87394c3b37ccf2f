"""How much faster the kernels are than the readable stages, and how their cost grows with the machine."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from eplb_variants import Topology, load_variant
from evaluator.statistics import Estimate
from evaluator.sweep import Progress
from evaluator.timing import time_variants
from evaluator.timing_settings import TimingSettings
from evaluator.workloads.synthetic import Synthetic

VARIANTS = ("deepseek", "seed_parent", "seed")
SIZES = ((58, 256, 288, 32), (58, 256, 512, 64), (60, 384, 480, 96), (128, 512, 1024, 256), (128, 1024, 2048, 512))
"""Layers, experts, slots, GPUs: from the size that published figures are for to the largest there are plans for."""
SETTINGS = TimingSettings(rounds=15, min_rounds=8, seconds=3.0)


class KernelTime(NamedTuple):
    """A variant at a size."""

    variant: str
    size: tuple[int, int, int, int]
    milliseconds: float
    """Median wall time of a call of the kernel."""
    ratio: Estimate
    """The readable stages' time over the kernel's, paired by round."""
    per_slot: float
    """Nanoseconds over layers x P log2 P: level where the cost grows as that does."""


def measure_kernels(progress: Progress, sizes: tuple[tuple[int, int, int, int], ...] = SIZES) -> list[KernelTime]:
    """Return the times of each variant at each size under the global policy, one thread, in one run a size."""
    progress.start("sizes", len(sizes))
    found = []
    for size in sizes:
        num_layers, num_experts, num_slots, num_gpus = size
        load = Synthetic(num_layers=num_layers, num_experts=num_experts, windows=4, sigma_spread=0.133)
        windows, topology = load.make(0).windows(1), Topology(num_slots, 1, 1, num_gpus)
        for name in VARIANTS:
            kernel = load_variant(name)
            readable = load_variant({**kernel.config, "implementation": "reference"})
            timing = time_variants({"readable": readable}, kernel, windows, topology, SETTINGS)["readable"]
            milliseconds = 1e3 * float(np.median(timing.wall)) / timing.ratio.value
            unit = num_layers * num_slots * math.log2(num_slots)
            found.append(KernelTime(name, size, milliseconds, timing.ratio, 1e6 * milliseconds / unit))
        progress.step(f"{num_layers} layers, {num_slots} slots")
    return found
