"""How often what is said of balance is true: coverage of the intervals, and tables of equals, on the scenarios.

Every scenario gives a pool of traces, on which some variants are replayed. Short pieces of few traces are then drawn
from it again and again, as a user's run is a piece of what there could be. What the interval should hold is known: with
several traces the mean of the pool, with one that of the whole of the trace it is from.

Shapes: K traces of the pool, W windows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from eplb_variants import Topology, Variant, load_variant
from eplb_variants.loads import FloatArray
from evaluator.analysis.paired import corrected, paired, verdict_on
from evaluator.analysis.statistics import BETTER, FEWEST_UNITS, WORSE, mean_of_series
from evaluator.bench.compositions import Make, balances
from evaluator.bench.line import Line
from evaluator.progress import Progress
from evaluator.workloads.windows import WindowSequence

PAIRS = (("seed_parent", "deepseek"), ("contiguous", "deepseek"))
"""Variants whose difference intervals are held against the truth: a small one and a large one."""
EQUALS = 20
"""Variants beside a reference that are as good as it: random placements, by other seeds."""
EQUALS_TRACES, EQUALS_WINDOWS = 5, 12
"""Of a table of equals: traces, which no other table has, and windows of each, the last of which has no next one."""
TRACES, WINDOWS = (1, 3, 5, 10), (5, 11, 23, 47)
"""Of a run: numbers of traces, and of windows that have a next one."""
POOL_TRACES, POOL_WINDOWS, POOL_LAYERS = 60, 96, 4
"""Of the pool of a scenario: few layers, so that it takes minutes."""
DRAWS = 200
"""Runs that are drawn for each number of traces and windows."""
WITHIN = (0.93, 0.97)
"""Share of 95% intervals that is to hold the truth."""
WRONG_TABLES = 0.05


class Pool(NamedTuple):
    """What variants come to on the traces of a scenario: ``[K, W]`` each."""

    scenario: str
    values: Mapping[str, FloatArray]


def make_pool(
    scenario: str,
    make: Make,
    variants: Mapping[str, Variant],
    topology: Topology,
    traces: int,
    windows: int | None = None,
) -> Pool:
    """Replay variants on traces of a scenario; the last window of each, which has no next one, is left out.

    ``windows`` says how many of each trace are used; all where it says nothing.
    """
    values: dict[str, list[FloatArray]] = {name: [] for name in variants}
    for seed in range(traces):
        windows_WLE = first_windows(make(seed), windows)
        for name, variant in variants.items():
            values[name].append(balances(variant, windows_WLE, topology).next_W)
    return Pool(scenario, {name: np.array(made) for name, made in values.items()})


def first_windows(windows_WLE: WindowSequence, number: int | None) -> WindowSequence:
    """Return the first windows of a trace, ``number`` of them; all where it is None."""
    if number is None:
        return windows_WLE
    return np.stack([windows_WLE[window] for window in range(min(number, len(windows_WLE)))])


def covered(values_KW: FloatArray, traces: int, windows: int, draws: int, draw: np.random.Generator) -> np.ndarray:
    """Return what became of the intervals of drawn runs, ``[draws]``: 1 it held the truth, 0 not, -1 too few to say.

    Args:
        values_KW: paired differences of the pool.
        traces: of a run.
        windows: of each of its traces, in a row.
        draws: how many runs.
        draw: moved on.
    """
    pool, length = values_KW.shape
    found = np.zeros(draws, dtype=int)
    for number in range(draws):
        chosen = draw.choice(pool, traces, replace=False)
        firsts = draw.integers(0, length - windows + 1, traces)
        series = [values_KW[k, first : first + windows] for k, first in zip(chosen, firsts, strict=True)]
        truth = float(values_KW[chosen[0]].mean() if traces == 1 else values_KW.mean())
        estimate = mean_of_series([series])
        held = estimate.low - 1e-12 <= truth <= estimate.high + 1e-12
        found[number] = int(held) if estimate.units >= FEWEST_UNITS else -1
    return found


def coverage_lines(pools: Sequence[Pool], draws: int, seed: int = 0) -> list[Line]:
    """Return the coverage by traces and windows of a run, over all scenarios and pairs, and that of the worst one."""
    draw, lines = np.random.default_rng(seed), []
    differences = {
        f"{one} beside {other} on {pool.scenario}": pool.values[one] - pool.values[other]
        for pool in pools
        for one, other in PAIRS
    }
    for traces in TRACES:
        for windows in WINDOWS:
            found = {name: covered(values, traces, windows, draws, draw) for name, values in differences.items()}
            lines.append(_coverage_line(found, f"{traces} traces x {windows} windows"))
    return lines


def _coverage_line(found: Mapping[str, np.ndarray], size: str) -> Line:
    said = {name: values[values >= 0] for name, values in found.items()}
    shares = pd.Series({name: values.mean() for name, values in said.items() if values.size})
    whole = np.concatenate(list(said.values()))
    unsure = 1 - whole.size / sum(values.size for values in found.values())
    share = float(whole.mean()) if whole.size else float("nan")
    return Line(
        "intervals",
        f"95% intervals of balance that hold the truth ({shares.idxmin()}: {shares.min():.0%})",
        f"{size}; {unsure:.0%} too few to say",
        100 * share,
        "%",
        target=f"{WITHIN[0]:.0%} to {WITHIN[1]:.0%}",
        met=bool(WITHIN[0] <= share <= WITHIN[1]),
    )


def equals() -> dict[str, Variant]:
    """Return variants of which none is better than another on loads whose experts have no order."""
    config = load_variant("random").config
    return {
        f"random {seed}": load_variant({**config, "placer": {**config["placer"], "seed": seed}})
        for seed in range(EQUALS + 1)
    }


def tables_of_equals(pool: Pool, traces: int) -> tuple[int, int, int]:
    """Return of how many tables of equals, each beside the first, any has a verdict, how many have one, and all tables.

    Each table has traces of its own, so that tables are independent.
    """
    names = list(pool.values)
    tables = len(pool.values[names[0]]) // traces
    wrong_tables = wrong = 0
    for table in range(tables):
        chosen = slice(table * traces, (table + 1) * traces)
        series = {name: [list(pool.values[name][chosen])] for name in names}
        found = [paired(series[name], series[names[0]]).difference for name in names[1:]]
        verdicts = [verdict_on(one, p=p) for one, p in zip(found, corrected([one.p for one in found]), strict=True)]
        said = sum(verdict in (BETTER, WORSE) for verdict in verdicts)
        wrong, wrong_tables = wrong + said, wrong_tables + (said > 0)
    return wrong_tables, wrong, tables


def equals_line(pools: Sequence[Pool]) -> Line:
    """Return how many tables of equals give any of them a verdict."""
    found = [tables_of_equals(pool, EQUALS_TRACES) for pool in pools]
    wrong_tables, wrong, number = (sum(counts) for counts in zip(*found, strict=True))
    return Line(
        "intervals",
        f"tables of {EQUALS} equals beside another in which one gets a verdict",
        f"{EQUALS_TRACES} traces x {EQUALS_WINDOWS - 1} windows, {number} tables: {wrong} verdicts",
        100 * wrong_tables / number,
        "%",
        target=f"at most {WRONG_TABLES:.0%}",
        met=wrong_tables <= WRONG_TABLES * number,
    )


def measure_intervals(
    progress: Progress,
    scenarios: Mapping[str, Make],
    ordinary: Collection[str],
    topology: Topology,
    traces: int,
    draws: int,
) -> list[Line]:
    """Return lines on the intervals of balance.

    Args:
        progress: told of every scenario.
        scenarios: by name, each with more windows than any of ``WINDOWS``.
        ordinary: those on which equals are compared. Where experts have equal loads, random placements are no equals:
            they differ by how many replicas they happen to give.
        topology: of all.
        traces: of a pool, more than any of ``TRACES``.
        draws: runs that are drawn for each number of traces and windows, on each scenario.
    """
    variants = {name: load_variant(name) for pair in PAIRS for name in pair}
    pools, of_equals = [], []
    progress.start("intervals", len(scenarios))
    for name, make in scenarios.items():
        pools.append(make_pool(name, make, variants, topology, traces))
        if name in ordinary:
            of_equals.append(make_pool(name, make, equals(), topology, traces, EQUALS_WINDOWS))
        progress.step(name)
    return [*coverage_lines(pools, draws), equals_line(of_equals)]
