"""What programs are really worth: their balancedness on the next window over many fresh traces, beside the example's.

Only for programs of this project: they run in this process, and are shown the windows of many traces as if they were
layers of one load, which is a tenth of the work.
Shapes: K traces, W windows, L layers, E logical experts, P slots.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eplb_variants import Topology
from eplb_variants.loads import FloatArray
from evaluator.analysis.statistics import mean_of_series
from evaluator.bench.compositions import Make
from evaluator.bench.line import Line
from evaluator.bench.programs.equals import EQUAL_NOISE, NOISE_BY_GAIN, blurred_program
from evaluator.bench.programs.trusted import phy2log_of, placement_of
from evaluator.candidates.program import Program, example_program
from evaluator.progress import Progress
from evaluator.quality.metrics import balance
from evaluator.workloads.windows import WindowSequence

TRACES = 1000
"""On which the standard error of a difference is below 0.0001."""
TOGETHER = 20
"""Traces that a program places at once, and that share its noise."""
FIRST_SEED = 10_000
"""Of the fresh traces: nothing else is measured on these."""
NEAR = 0.0002
"""Balancedness by which what is measured may differ from what is known: two standard errors."""


def true_differences(
    make: Make, topology: Topology, noises: Sequence[float], traces: int, progress: Progress
) -> dict[float, FloatArray]:
    """Return by how much programs that are off by some noise are better than the example program, by trace: ``[K]``.

    Args:
        make: the traces, of two or more windows each; all of one shape.
        topology: to place on.
        noises: of the programs; for every few traces another seed of the noise is drawn.
        traces: how many.
        progress: told of every few traces.
    """
    found: dict[float, list[FloatArray]] = {noise: [] for noise in noises}
    progress.start("traces", -(-traces // TOGETHER))
    for first in range(FIRST_SEED, FIRST_SEED + traces, TOGETHER):
        seeds = range(first, min(first + TOGETHER, FIRST_SEED + traces))
        traces_KWLE = np.array([list(_each(make(seed))) for seed in seeds], dtype=np.float32)
        base_K = means_of(example_program(), traces_KWLE, topology)
        for noise, differences in found.items():
            differences.append(means_of(blurred_program(noise, first), traces_KWLE, topology) - base_K)
        progress.step(f"seeds {seeds[0]} to {seeds[-1]}")
    return {noise: np.concatenate(differences) for noise, differences in found.items()}


def means_of(program: Program, traces_KWLE: NDArray[np.float32], topology: Topology) -> FloatArray:
    """Return the mean balancedness of a program's placements on the windows after, by trace: ``[K]``."""
    traces, windows, layers, experts = traces_KWLE.shape
    rows = traces_KWLE[:, :-1].reshape(-1, experts)
    phy2log = phy2log_of(program, rows, topology).reshape(traces, windows - 1, layers, -1)

    def worth(trace: int, window: int) -> float:
        placement = placement_of(np.ascontiguousarray(phy2log[trace, window]), experts, topology)
        return balance(traces_KWLE[trace, window + 1], placement).gpu

    return np.array([np.mean([worth(trace, window) for window in range(windows - 1)]) for trace in range(traces)])


def measure_programs(progress: Progress, make: Make, topology: Topology, traces: int = TRACES) -> list[Line]:
    """Return what equals gain over the example program, and candidates of pairs over their parents, as lines."""
    found = true_differences(make, topology, [EQUAL_NOISE, *NOISE_BY_GAIN.values()], traces, progress)
    equal_K, size = found[EQUAL_NOISE], f"quick, {traces} traces"
    lines = [_line("an equal beside the example program", size, equal_K, 0.0)]
    for gain, noise in NOISE_BY_GAIN.items():
        lines.append(
            _line(f"the better of a pair beside its parent, noise {noise}", size, equal_K - found[noise], gain)
        )
    return lines


def _line(what: str, size: str, differences_K: FloatArray, known: float) -> Line:
    measured = mean_of_series([np.split(differences_K, differences_K.size)])
    met = abs(measured.value - known) <= NEAR
    asked = f"{known:g}, give or take {NEAR:g}"
    return Line("programs", what, size, ratio=measured, against="better on the next window", target=asked, met=met)


def _each(windows_WLE: WindowSequence) -> Iterator[Any]:
    return (windows_WLE[window] for window in range(len(windows_WLE)))
