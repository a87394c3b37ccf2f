"""What the evaluator itself costs: the metrics of a window, and a long replay beside its placements alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import Any

import numpy as np

from eplb_variants import Placement, Topology, Variant, load_variant
from eplb_variants.loads import FloatArray
from evaluator.analysis.score import Score
from evaluator.analysis.statistics import median_ratio
from evaluator.bench.line import Line
from evaluator.bench.placement import HIERARCHICAL
from evaluator.progress import Progress
from evaluator.quality import metrics
from evaluator.sweep.cell import Cell, Workload
from evaluator.sweep.plan import Plan
from evaluator.sweep.run import run
from evaluator.timing.prepare import Prepare
from evaluator.timing.rounds import time_prepared
from evaluator.timing.settings import TimingSettings
from evaluator.workloads.kept import Kept

SETTINGS = TimingSettings(rounds=15, min_rounds=8, seconds=2.0)
VARIANT_SECONDS = 0.005
"""How long the variant of the replay takes: less than most of today's, so that the evaluator's share is large."""
ROUNDS = 3
SCORE = Score("none", "", "balancedness_gpu_next", "")
LOAD = {
    "kind": "synthetic",
    "num_layers": 58,
    "num_experts": 256,
    "num_groups": 8,
    "sigma": 0.68,
    "icc": 0.38,
    "phi": 0.0,
    "rho": 0.98,
    "interval": 1,
    "max_windows": 0,
}
"""Of DeepSeek-R1; without sampling noise, which takes longest to make and plays no part here."""


def measure_metrics(progress: Progress) -> list[Line]:
    """Return how long all metrics of a window take, and how much longer their balancedness takes in whole arrays."""
    progress.start("metrics", 1)
    topology, windows = HIERARCHICAL.topology, HIERARCHICAL.windows()
    variant = load_variant("deepseek")
    placements = [variant.place(load, topology) for load in windows]

    def of_round(judge: Callable[[Placement, Placement, FloatArray, FloatArray], object]) -> Prepare:
        def prepare(number: int) -> Callable[[], object]:
            now, later = number % len(windows), (number + 1) % len(windows)
            return lambda: judge(placements[now], placements[later], windows[now], windows[later])

        return prepare

    timings = time_prepared(
        {"arrays": of_round(_in_arrays)}, of_round(_all_metrics), SETTINGS, cpu_clock=time.process_time
    )
    arrays = timings["arrays"]
    own = 1e3 * float(np.median(arrays.wall)) / arrays.ratio.value
    progress.step("metrics")
    return [
        Line("metrics", "all metrics of a window", str(HIERARCHICAL), own, "ms", target="1 ms or less", met=own <= 1),
        Line(
            "metrics",
            "balancedness alone, in whole arrays of float64",
            str(HIERARCHICAL),
            1e3 * float(np.median(arrays.wall)),
            "ms",
            arrays.ratio,
            "times as long as all metrics",
        ),
    ]


def _all_metrics(before: Placement, now: Placement, own: FloatArray, later: FloatArray) -> object:
    used = np.asarray(own.any(axis=1))
    return (
        metrics.balance(own, now),
        metrics.balance(later, now),
        metrics.moved_slots(before, now, used),
        metrics.group_locality(now, used),
        metrics.colocated_replicas(now, used),
    )


def _in_arrays(before: Placement, now: Placement, own: FloatArray, later: FloatArray) -> object:
    judged = []
    for load in (own, later):
        logcnt = np.zeros(load.shape)
        np.add.at(logcnt, (np.arange(len(load))[:, None], now.phy2log), 1)
        slots = np.take_along_axis(load / logcnt, now.phy2log, axis=1)
        for parts in (now.topology.num_gpus, now.topology.num_nodes, now.topology.num_slots):
            part = slots.reshape(len(load), parts, -1).sum(axis=2)
            judged.append(part.mean(axis=1).sum() / part.max(axis=1).sum())
    return judged


@dataclass(frozen=True, eq=False)
class _Steady(Variant):
    """``deepseek``, but a placement takes as long as it is told; it keeps how long all took, in whichever process."""

    seconds: float = 0.0
    spent: Any = field(default_factory=lambda: RawValue("d", 0.0))

    def place(self, load: Any, topology: Topology, previous: Placement | None = None) -> Placement:
        began = time.perf_counter()
        made = super().place(load, topology, previous)
        while time.perf_counter() - began < self.seconds:
            pass
        self.spent.value += time.perf_counter() - began
        return made


def _steady(name: str, seconds: float) -> _Steady:
    deepseek = load_variant("deepseek")
    return _Steady(name, "", deepseek.forecaster, deepseek.placer, deepseek.config, seconds=seconds)


def measure_overhead(progress: Progress, num_windows: int = 1000) -> list[Line]:
    """Return how much longer evaluating a variant takes than its placements, parquet included."""
    progress.start("overhead", ROUNDS + 1)
    whole, placing = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS + 1):  # the first makes the trace, and does not count
            steady = _steady(f"round {number}", VARIANT_SECONDS)
            plan = _plan(Path(folder), num_windows, steady)
            plan.cells[0].workload.windows(0)
            began = time.perf_counter()
            outcome = run(plan)
            seconds = time.perf_counter() - began
            assert outcome.measured == 1, outcome
            if number:
                whole.append(seconds)
                placing.append(steady.spent.value)
            progress.step(f"round {number}")
    ratio = median_ratio(np.array(whole), np.array(placing))
    value = 1e3 * float(np.median(np.subtract(whole, placing))) / num_windows
    return [
        Line(
            "overhead",
            f"evaluating {num_windows} windows beside placements of {1e3 * VARIANT_SECONDS:g} ms",
            str(HIERARCHICAL),
            value,
            "ms a window",
            ratio,
            "times as long as the placements",
            "less than 1.2 times",
            ratio.value < 1.2,
        )
    ]


def _plan(folder: Path, num_windows: int, variant: Variant) -> Plan:
    workload = Workload("long", {**LOAD, "windows": num_windows}, Kept(folder / ".traces"))
    cell = Cell(variant, workload, "adrs", HIERARCHICAL.topology, 0)
    return Plan((cell,), folder / variant.name, load_variant("deepseek"), "quality", True, TimingSettings(), SCORE)


PEAK = """
def peak():
    status = open("/proc/self/status").read()
    return float(status.partition("VmHWM:")[2].split()[0]) / 1024
"""
"""Code that says how many MiB its process had at most; what getrusage says is that of the parent if it had more."""
MEMORY = (
    PEAK
    + """
import resource
import sys
from pathlib import Path
from evaluator.bench.replay import _plan, _steady
from evaluator.sweep.run import run
run(_plan(Path(sys.argv[1]), int(sys.argv[2]), _steady("memory", 0.0)))
print(max(peak(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024))
"""
)
"""A process of its own, that evaluates so many windows and says how much memory it or its child had at most, in MiB."""


def measure_memory(progress: Progress, few: int = 1000, many: int = 4000) -> list[Line]:
    """Return the peak memory of evaluating few and many windows."""
    progress.start("memory", 2)
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        peaks = {}
        for num_windows in (few, many):
            command = [sys.executable, "-c", MEMORY, folder, str(num_windows)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ})
            peaks[num_windows] = float(done.stdout)
            progress.step(f"{num_windows} windows")
        for num_windows, peak in peaks.items():
            grown = peak / peaks[few]
            asked = num_windows == many
            lines.append(
                Line(
                    "memory",
                    f"evaluating {num_windows} windows, made and replayed",
                    str(HIERARCHICAL),
                    peak,
                    "MiB at most",
                    target=f"as for {few}, within 10%" if asked else "",
                    met=grown < 1.1 if asked else None,
                )
            )
    return lines
