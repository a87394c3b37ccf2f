"""What each forecaster gains over the last window, on every kind of traffic: which conclusions hold where.

Shapes: W windows, L layers, E logical experts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eplb_variants import Topology
from evaluator.analysis.statistics import Estimate, mean_of_series
from evaluator.bench.compositions import FORECASTERS, FURTHER, balances, composed, cuts, machine_for, recordings
from evaluator.bench.line import Line
from evaluator.progress import Progress
from evaluator.sweep.plan import make_plan
from evaluator.workloads.readers import read_trace
from evaluator.workloads.windows import WindowSequence

SCENARIOS = (
    "steady_mix",
    "long_requests",
    "long_prompts",
    "small_batch",
    "dsr1_decode",
    "dsr1_prefill",
    "domain_switch",
    "drifting_mixture",
    "random_walk",
    "qwen3_domain",
)
SEEDS = 5
INTERVALS = (2, 4, 16)
OTHERS = tuple(name for name in (*FORECASTERS, *FURTHER) if name != "last")
LEARNS = "adaptive"
"""The forecaster that is held against the best of the others, which follow a fixed rule."""


class Gain(NamedTuple):
    """What a forecaster gains over another on some kind of traffic."""

    traffic: str
    forecaster: str
    difference: Estimate
    """Of balancedness of GPUs on the next window, with its interval over traces; none for one trace."""
    against: str = "last"


def measure_forecasters(
    progress: Progress, named: Sequence[str] = (), scenarios: Sequence[str] = SCENARIOS, seeds: int = SEEDS
) -> tuple[list[Line], list[Gain]]:
    """Return what each forecaster gains over ``last``, packed and replicated as ``deepseek`` does.

    The lines say, too, what ``adaptive`` gains over the best of the others on each kind of traffic.

    Args:
        progress: told of each scenario and recording.
        named: recordings, at several intervals; without any, those that ship and those of ``EPLB_LAB_EXTRA_DATA``.
        scenarios: of ``conf/workload``.
        seeds: traces of each scenario.
    """
    gains: list[Gain] = []
    files = recordings(named)
    progress.start("forecasters", len(scenarios) + 2 * len(files) * len(INTERVALS))
    made = ((name, made_by(name, seeds)) for name in scenarios)
    for traffic, traces in itertools.chain(made, _recorded(files)):
        machine = machine_for(traces[0].shape[2])
        next_FT = {forecaster: _next(traces, forecaster, machine) for forecaster in ("last", *OTHERS)}
        gains += [_gain(traffic, forecaster, "last", next_FT) for forecaster in OTHERS]
        best = max((name for name in next_FT if name != LEARNS), key=lambda name: next_FT[name].mean())
        gains.append(_gain(traffic, LEARNS, best, next_FT)._replace(against=f"{best}, the best fixed rule"))
        progress.step(traffic)
    return [_line(gain) for gain in gains], [gain for gain in gains if gain.against == "last"]


def _gain(traffic: str, forecaster: str, other: str, next_FT: dict[str, np.ndarray]) -> Gain:
    difference_T = next_FT[forecaster] - next_FT[other]
    return Gain(traffic, forecaster, mean_of_series([list(difference_T[:, None])]), other)


def made_by(scenario: str, seeds: int) -> list[WindowSequence]:
    """Return the windows of a scenario of ``conf/workload`` for the seeds from 0 on."""
    (cell,) = make_plan([f"workload={scenario}", "measure=quality"]).cells
    return [cell.workload.source.make(seed).windows(1) for seed in range(seeds)]


def _recorded(files: Sequence[Path]) -> Iterator[tuple[str, list[WindowSequence]]]:
    """Yield recordings at each interval, whole, and cut into what lies between their jumps, which are traces then."""
    for path in files:
        for how, windows in cuts(read_trace(str(path)).windows(1), INTERVALS, 2):
            yield f"{path.stem}, {how}", [*windows]


def _next(traces: Sequence[WindowSequence], forecaster: str, machine: Topology) -> np.ndarray:
    variant = composed(forecaster)
    return np.array([balances(variant, windows, machine).next_W.mean() for windows in traces])


def _line(gain: Gain) -> Line:
    against = f"balancedness on next more than {gain.against}"
    return Line("forecasters", gain.forecaster, gain.traffic, ratio=gain.difference, against=against)
