"""Do rankings transfer? The order of many compositions on a recording, beside their order on what was fitted to it.

Shapes: W windows, L layers, E logical experts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from eplb_variants import EplbError, Topology
from eplb_variants.loads import FloatArray, IntArray
from evaluator.bench.compositions import balances, compositions, cuts, machine_for, recordings
from evaluator.bench.forecasters import INTERVALS, SCENARIOS, made_by
from evaluator.bench.line import Line
from evaluator.progress import Progress
from evaluator.workloads.fitting import FEWEST, fit
from evaluator.workloads.readers import read_trace
from evaluator.workloads.windows import WindowSequence

MADE = 600
"""Windows that are made of what was fitted, at least: of fewer, orders agree by .05 more or less from seed to seed."""
AGREEMENT = 0.9
DIGITS = 5
"""Decimals of a mean balancedness that count: less is the order of floating-point sums."""


class Scores(NamedTuple):
    """Mean balancedness of each composition, over all windows of some traces."""

    own: FloatArray
    next: FloatArray


class Load(NamedTuple):
    """A recording in windows, whole or cut where it jumps."""

    name: str
    parts: list[IntArray]
    top_k: int
    num_groups: int


def measure_transfer(
    progress: Progress,
    named: Sequence[str] = (),
    intervals: Sequence[int] = INTERVALS,
    scenarios: Sequence[str] = SCENARIOS,
    num_made: int = MADE,
) -> list[Line]:
    """Return how orders agree (Spearman): of what was fitted to each recording, and of shipped scenarios.

    Args:
        progress: told of each comparison.
        named: recordings; without any, those that ship and those of the folder ``EPLB_LAB_EXTRA_DATA``.
        intervals: steps in a window.
        scenarios: of ``conf/workload``, whose order is compared too; nothing is asked of it.
        num_made: windows of each fitted scenario, at least, in whole traces; of others there is one trace.

    Raises:
        EplbError: a recording that is named is not there, or one does not say how many experts a token is routed to.
    """
    files = recordings(named)
    progress.start("transfer", len(scenarios) + 4 * len(intervals) * len(files))
    shipped = {}
    for name in scenarios:
        windows = made_by(name, 1)
        shipped[name] = scores(windows, machine_for(windows[0].shape[2]))
        progress.step(name)
    lines: list[Line] = []
    for path in files:
        for load in loads(str(path), path.stem, intervals):
            machine = machine_for(load.parts[0].shape[2])
            real = scores(load.parts, machine)
            progress.step(load.name)
            lines += agreement_of(real, scores(fitted(load, num_made), machine), "fitted to it", load.name, True)
            progress.step(f"{load.name}, fitted")
            for name, found in shipped.items():
                lines += agreement_of(real, found, name, load.name, False)
    return lines


def loads(path: str, name: str, intervals: Sequence[int]) -> Iterator[Load]:
    """Yield a recording at each interval, whole and cut into what lies between its jumps, where it has any.

    Raises:
        EplbError: it does not say how many experts a token is routed to.
    """
    trace = read_trace(path)
    if trace.top_k is None:
        raise EplbError(f"{path!r} does not say how many experts a token is routed to")
    for how, parts in cuts(trace.windows(1), intervals, FEWEST):
        yield Load(f"{name}, {how}", parts, trace.top_k, trace.num_groups or 1)


def fitted(load: Load, num_made: int) -> list[WindowSequence]:
    """Return windows of the scenarios that were fitted to each part: traces as long as the parts, as many of each."""
    seeds = math.ceil(num_made / sum(map(len, load.parts)))
    models = [fit(part, load.top_k, load.num_groups).model for part in load.parts]
    return [model.make(seed).windows(1) for model in models for seed in range(seeds)]


def scores(traces: Sequence[WindowSequence], machine: Topology) -> Scores:
    """Return the mean balancedness of each composition."""
    rows = []
    for variant in compositions():
        found = [balances(variant, windows, machine) for windows in traces]
        own, after = (np.concatenate([one[i] for one in found]).mean() for i in (0, 1))
        rows.append((own, after))
    own_V, next_V = np.round(np.array(rows), DIGITS).T
    return Scores(own_V, next_V)


def agreement_of(real: Scores, other: Scores, what: str, load: str, wanted: bool) -> Iterator[Line]:
    """Yield how two orders agree (Spearman), on own and on next; ``wanted`` says whether that is held to the target."""
    from scipy.stats import spearmanr  # a second, which every other benchmark would wait for

    for judged_on in Scores._fields:
        agree = float(spearmanr(getattr(real, judged_on), getattr(other, judged_on)).statistic)
        target = f"{AGREEMENT} or more" if wanted else ""
        met = bool(agree >= AGREEMENT) if wanted else None
        yield Line("transfer", f"{what}, {judged_on}", load, agree, "Spearman", target=target, met=met)
