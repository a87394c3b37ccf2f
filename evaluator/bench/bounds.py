"""How tight the bounds are: beside the best placements of small layers, and what our balancers reach on large ones."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from eplb_variants import Topology, load_variant
from eplb_variants.loads import FloatArray
from evaluator.analysis.statistics import Estimate
from evaluator.bench.exact import least_peak
from evaluator.bench.line import Line
from evaluator.progress import Progress
from evaluator.quality import metrics
from evaluator.quality.bounds import bound, peak_bounds
from evaluator.workloads.synthetic import Synthetic

SMALL = (
    (Topology(6, 1, 1, 3), 5),
    (Topology(8, 1, 1, 4), 6),
    (Topology(9, 1, 1, 3), 7),
    (Topology(8, 4, 2, 4), 4),
    (Topology(12, 2, 2, 4), 8),
    (Topology(12, 4, 2, 4), 8),
    (Topology(12, 1, 1, 3), 9),
    (Topology(10, 1, 1, 5), 8),
)
"""Machines and numbers of experts of small layers."""
SPREADS = (0.3, 1.0, 2.0)
"""Standard deviations of the logarithms of their loads."""
LARGE = (
    Topology(288, 8, 4, 32),
    Topology(288, 1, 1, 32),
    Topology(288, 1, 1, 72),
    Topology(288, 1, 1, 96),
    Topology(288, 1, 1, 144),
)
LOAD = Synthetic(num_layers=58, num_experts=256, num_groups=8, icc=0.38, tokens=500_000, windows=4)
ROUNDING = 1e-6
"""Relative: what HiGHS leaves open."""


def small_layers(number: int, seed: int = 0) -> Iterator[tuple[FloatArray, Topology]]:
    """Yield so many random loads of a layer, with the machine that each is to be placed on."""
    draw = np.random.default_rng(seed)
    for i in range(number):
        topology, num_experts = SMALL[i % len(SMALL)]
        yield np.round(100 * draw.lognormal(sigma=draw.choice(SPREADS), size=num_experts)), topology


def heuristic_peak(load_E: FloatArray, topology: Topology) -> float:
    """Return the load of the fullest GPU where ``lab_best`` knows the load."""
    placement = load_variant("lab_best").place(load_E[None, None], topology)
    return float((metrics.gpu_loads(load_E[None], placement) / topology.relative_speeds).max())


def measure_bounds(progress: Progress, number: int) -> list[Line]:
    """Return how near bounds and balancers come to the best placement, and how long a bound takes.

    Args:
        progress: told of every layer.
        number: of small layers, each placed as well as can be by a solver, seconds each.
    """
    progress.start("small layers", number)
    shares: dict[str, list[float]] = {"even": [], "any": [], "lab_best": []}
    wrong = 0
    for i, (load_E, topology) in enumerate(small_layers(number)):
        any_L, even_L = peak_bounds(load_E[None], topology)
        even, split = (least_peak(load_E, topology, even=is_even) for is_even in (True, False))
        found = heuristic_peak(load_E, topology)
        wrong += even_L[0] > even * (1 + ROUNDING) or any_L[0] > split * (1 + ROUNDING) or found < even * (1 - ROUNDING)
        shares["even"].append(float(even_L[0]) / even)
        shares["any"].append(float(any_L[0]) / split)
        shares["lab_best"].append(even / found)
        progress.step(f"layer {i}")
    size = f"{number} random layers of 4 to 9 experts"
    words = {"even": "bound, even dispatch", "any": "bound, any dispatch", "lab_best": "lab_best, even dispatch"}
    lines = [
        Line("bounds", "order", size, float(wrong), "layers with heuristic < optimum or optimum < bound",
             None, "", "none", wrong == 0)
    ]  # fmt: skip
    for name, near in shares.items():
        low, middle, high = np.quantile(near, [0.025, 0.5, 0.975])
        ratio = Estimate(float(middle), float(low), float(high), number)
        lines.append(
            Line("bounds", words[name], size, float(np.mean(near)), "on average", ratio, "of the best placement's peak")
        )
    return [*lines, *_large(progress)]


def _large(progress: Progress) -> Iterator[Line]:
    windows_WLE = LOAD.make(0).windows(1)
    progress.start("large layers", len(LARGE))
    for topology in LARGE:
        bound(windows_WLE[0], topology)
        began = time.perf_counter()
        limit = bound(windows_WLE[1], topology)
        seconds = time.perf_counter() - began
        placement = load_variant("lab_best").place(windows_WLE[1][None], topology)
        own = metrics.balance(windows_WLE[1], placement).gpu
        of_limit = Estimate(own / limit.even, float("nan"), float("nan"), 1)
        size = f"58 layers, {topology.num_slots} slots, {topology.num_gpus} GPUs, {topology.num_nodes} nodes"
        what = f"bound {limit.even:.4f}, lab_best {own:.4f} knowing the load"
        yield Line("bounds", what, size, 1e3 * seconds, "ms a window", of_limit, "of the bound")
        progress.step(size)
