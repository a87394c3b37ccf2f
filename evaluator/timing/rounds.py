"""Wall-clock time that can be believed: each variant beside the reference, in random order, with nothing else running.

Absolute times of a shared machine move by half within minutes; the ratio to a reference measured in the same breath
does not. So the ratio, paired by round, is the result; seconds are for orientation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from eplb_variants import Placement, Topology, Variant
from evaluator.analysis.statistics import Estimate, median_ratio
from evaluator.quality.replay import place, seen
from evaluator.timing.alone import exclusive, quiet
from evaluator.timing.settings import TimingSettings
from evaluator.workloads.windows import WindowSequence

MOST_REPEATS = 100
"""Calls of a contestant in a round, at most."""
WINDOWS = 4
"""Windows that rounds go through: enough that no variant is timed on one lucky load."""


class Timing(NamedTuple):
    """Times of one variant, in seconds."""

    wall: np.ndarray
    """``[rounds]`` wall time of each call."""
    cpu: np.ndarray
    """``[rounds]`` CPU time of each call."""
    first: float
    """Wall time of the very first call."""
    ratio: Estimate
    """Wall time over the reference's, paired by round."""
    valid: bool
    """Whether no other timing pass ran on the machine."""


Prepare = Callable[[int], Callable[[], object]]
"""From the number of a round to a call; the input is made ready before the clock starts."""


def time_variants(
    variants: Mapping[str, Variant],
    reference: Variant,
    windows_WLE: WindowSequence,
    topology: Topology,
    settings: TimingSettings,
    seed: int = 0,
) -> dict[str, Timing]:
    """Return the times of each variant on a workload, each measured beside ``reference``.

    Calls before the first round (one for the very first time, one for each window's previous placement) warm up.
    """
    contestants = {name: _prepare(variant, windows_WLE, topology) for name, variant in variants.items()}
    return time_prepared(contestants, _prepare(reference, windows_WLE, topology), settings, seed, repeat=True)


def time_prepared(
    contestants: Mapping[str, Prepare],
    reference: Prepare,
    settings: TimingSettings,
    seed: int = 0,
    *,
    repeat: bool = False,
) -> dict[str, Timing]:
    """Return the times of anything that can be made ready for a round and called, each beside ``reference``.

    With ``repeat``, quick calls are made several times a round; their mean is the round's time.
    """
    with exclusive(settings.wait_seconds) as alone, quiet(settings.threads):
        first = {name: _clocked(prepare(0))[0] for name, prepare in contestants.items()}
        with threadpool_limits(limits=settings.threads):  # of the libraries, too, that the first calls loaded
            repeats = _repeats(contestants, reference, settings.sample_seconds) if repeat else {}
            pairs = measure(contestants, reference, settings, seed, repeats)
        valid = alone()
    return {
        name: Timing(times[:, 0, 0], times[:, 0, 1], first[name], median_ratio(times[:, 0, 0], times[:, 1, 0]), valid)
        for name, times in pairs.items()
    }


def chosen_windows(num_windows: int) -> list[int]:
    """Return the windows that rounds go through, spread over all."""
    chosen: list[int] = np.unique(np.linspace(0, num_windows - 1, WINDOWS).astype(int)).tolist()
    return chosen


def measure(
    contestants: Mapping[str, Prepare],
    reference: Prepare,
    settings: TimingSettings,
    seed: int = 0,
    repeats: Mapping[str, int] | None = None,
) -> dict[str, np.ndarray]:
    """Return ``[rounds, 2, 2]`` seconds a call by name: (contestant, reference) by (wall, CPU).

    In each round every contestant, in random order, is called next to the reference, which of the two first at random;
    ``repeats`` says how often in a round, once where it says nothing.
    """
    draw = np.random.default_rng(seed)
    times: dict[str, list[np.ndarray]] = {name: [] for name in contestants}
    spent = dict.fromkeys(contestants, 0.0)
    for round_number in range(settings.rounds):
        for index in draw.permutation(len(contestants)):
            name = list(contestants)[index]
            if round_number >= settings.min_rounds and spent[name] > settings.seconds:
                continue
            pairs = []
            for _ in range((repeats or {}).get(name, 1)):
                prepares, first = (contestants[name], reference), int(draw.random() < 0.5)
                # each is readied right before its own call: what waited for the other's would have gone cold
                clocked = {which: _clocked(prepares[which](round_number)) for which in (first, 1 - first)}
                pairs.append([clocked[0], clocked[1]])
            times[name].append(np.mean(pairs, axis=0))
            spent[name] += float(np.sum(pairs, axis=0)[:, 0].sum())
    return {name: np.array(rounds) for name, rounds in times.items()}


def _repeats(contestants: Mapping[str, Prepare], reference: Prepare, sample_seconds: float) -> dict[str, int]:
    """Return how often a round calls each contestant, and the reference with it, to take as long as asked for."""
    beside = min(_clocked(reference(i))[0] for i in range(3))
    longest = {name: beside + min(_clocked(prepare(i))[0] for i in range(3)) for name, prepare in contestants.items()}
    return {name: int(np.clip(np.ceil(sample_seconds / seconds), 1, MOST_REPEATS)) for name, seconds in longest.items()}


def _prepare(variant: Variant, windows_WLE: WindowSequence, topology: Topology) -> Prepare:
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


def _clocked(call: Callable[[], object]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return max(wall, 1e-9), max(cpu, 0.0)
