"""Wall-clock time that can be believed: each variant beside the reference, in random order, with nothing else running.

Absolute times of a shared machine move by half within minutes; the ratio to a reference measured in the same breath
does not. So the ratio, paired by round, is the result; seconds are for orientation.

What disturbs a call makes it longer, never shorter. So the time of a round is that of its quickest call, and the ratio
is the median over rounds of the ratio of two such minima. That the quickest of several calls is the best estimate of
what a piece of code takes is in the documentation of Python's ``timeit``; the median over rounds, each on a window and
at a moment of its own, is what gives it an interval.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from eplb_variants import Topology, Variant
from evaluator.analysis.statistics import FEWEST, Estimate, median_ratio
from evaluator.timing.alone import exclusive, on_one_core, quiet
from evaluator.timing.prepare import Prepare, ready
from evaluator.timing.settings import TimingSettings
from evaluator.workloads.windows import WindowSequence

MOST_DRAWN = 3
"""Times as many rounds as were asked for are drawn at most, where some are disturbed."""
OFF_CORE = 1.02
"""Wall time over CPU time above which a call did not have its core. What it lost below that is less than the difference
that a verdict needs (2%). Undisturbed calls have .98 to 1.01, also those to another process; one that lost its core for
a slice of the scheduler, 2 to 4 ms, has 3 to 6 if it takes a millisecond, and 1.03 if it takes a hundred. Calls on
several threads use more CPU than wall time, and do not show whether they had their cores."""


class Timing(NamedTuple):
    """Times of one variant, in seconds."""

    wall: np.ndarray
    """``[rounds]`` wall time of the quickest call of each round that counts."""
    cpu: np.ndarray
    """``[rounds]`` its CPU time; NaN where none is known."""
    first: float
    """Wall time of the very first call."""
    ratio: Estimate
    """Wall time over the reference's, paired by round."""
    valid: bool
    """Whether no other timing pass ran on the machine."""
    disturbed: int = 0
    """Rounds in which the quickest call, of either side, did not have its core."""
    has_core: bool = True
    """Whether enough other rounds were left for the ratio to rest on these alone."""


OfRound = Callable[[np.ndarray], np.ndarray]
"""From the calls of a round, ``[repeats, 2, 2]``, to its times ``[2, 2]``: sides by (wall, CPU)."""
CpuClock = Callable[[], float]
"""CPU seconds of all that calls run in, since whenever."""
WaitingClock = Callable[[], float]
"""Seconds that all that calls run in were ready to run and had no core, since whenever."""
Clocks = tuple[CpuClock | None, WaitingClock | None]


def had_core(times: np.ndarray) -> np.ndarray:
    """Return in which rounds the calls of both sides had their core, ``[rounds]``; all where no CPU time is known."""
    lost = np.any(times[..., 0] > OFF_CORE * times[..., 1], axis=-1)  # of NaN it is False
    return np.logical_not(lost)


def quickest(calls: np.ndarray) -> np.ndarray:
    """Return of ``[repeats, 2, 2]`` calls, for each side, the wall and CPU time of the one with the least wall time.

    For repeats of one call: disturbance only adds.
    """
    least = calls[..., 0].argmin(axis=0)
    chosen: np.ndarray = calls[least, np.arange(calls.shape[1])]
    return chosen


def typical(calls: np.ndarray) -> np.ndarray:
    """Return of ``[repeats, 2, 2]`` calls, for each side, the means of their wall and CPU times.

    For calls of which each is for another load, the same for both sides: what is quick on one of five is not quick.
    Those count in which both sides had their core; all where there are none, which shows in the means.
    """
    kept = calls[had_core(calls)]
    means: np.ndarray = (kept if len(kept) else calls).mean(axis=0)
    return means


def whole(calls: np.ndarray) -> np.ndarray:
    """Return of ``[repeats, 2, 2]`` calls, for each side, the means of their times: all count."""
    means: np.ndarray = calls.mean(axis=0)
    return means


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
    contestants = {name: ready(variant, windows_WLE, topology) for name, variant in variants.items()}
    beside = ready(reference, windows_WLE, topology)
    return time_prepared(contestants, beside, settings, seed, cpu_clock=time.process_time)


def time_prepared(
    contestants: Mapping[str, Prepare],
    reference: Prepare,
    settings: TimingSettings,
    seed: int = 0,
    *,
    repeats: int | None = None,
    cpu_clock: CpuClock | None = None,
    of_round: OfRound = quickest,
    in_blocks: bool = False,
    waiting_clock: WaitingClock | None = None,
) -> dict[str, Timing]:
    """Return the times of anything that can be made ready for a round and called, each beside ``reference``.

    Args:
        contestants: by name; made ready again before every call.
        reference: beside each of them.
        settings: how to time.
        seed: of the order of calls.
        repeats: calls of each in a round; if None, as many as ``settings`` ask for by how long they take.
        cpu_clock: that calls are held against, to see whether they had their core; if None, that is not asked: of calls
            that start processes, or read files.
        of_round: what the calls of a round come to.
        in_blocks: whether in a round all calls of one side come before all of the other's.
        waiting_clock: what says how long calls waited for their core: that is no part of their time then, and all
            count. What else they do without a core, such as sleep, is.
    """
    with exclusive(settings.wait_seconds) as alone, quiet(settings.threads):
        first = {name: _clocked(prepare(0), cpu_clock)[0] for name, prepare in contestants.items()}
        with threadpool_limits(limits=settings.threads):  # of the libraries, too, that the first calls loaded
            number = dict.fromkeys(contestants, repeats) if repeats else _repeats(contestants, reference, settings)
            clocks = cpu_clock, waiting_clock
            rounds = measure(contestants, reference, settings, seed, number, clocks, of_round, in_blocks)
        valid = alone()
    everything = waiting_clock is not None
    return {name: timing_of(times, first[name], valid, everything=everything) for name, times in rounds.items()}


def timing_of(times: np.ndarray, first: float, valid: bool, *, everything: bool = False) -> Timing:
    """Return what ``[rounds, 2, 2]`` seconds, as ``measure`` returns them, say of a contestant.

    Args:
        times: of its rounds.
        first: wall time of its very first call.
        valid: whether no other timing pass ran on the machine.
        everything: whether all rounds count, for what calls waited for their core is no part of their times.

    Otherwise the ratio rests on the rounds in which both calls had their core, or on all where these are too few.
    """
    kept = np.ones(len(times), dtype=bool) if everything else had_core(times)
    disturbed, has_core = int((~kept).sum()), int(kept.sum()) >= min(FEWEST, len(times))
    if has_core:
        times = times[kept]
    ratio = median_ratio(times[:, 0, 0], times[:, 1, 0])
    return Timing(times[:, 0, 0], times[:, 0, 1], first, ratio, valid, disturbed, has_core)


def measure(
    contestants: Mapping[str, Prepare],
    reference: Prepare,
    settings: TimingSettings,
    seed: int = 0,
    repeats: Mapping[str, int] | None = None,
    clocks: Clocks = (None, None),
    of_round: OfRound = quickest,
    in_blocks: bool = False,
) -> dict[str, np.ndarray]:
    """Return ``[rounds, 2, 2]`` seconds a call by name: (contestant, reference) by (wall, CPU).

    In each round every contestant, in random order, is called in turn with the reference, which of the two first at
    random, or in blocks one after the other; ``repeats`` says how often in a round, once where it says nothing, and
    ``of_round`` what the round comes to. A round in which either did not have its core is drawn again when the others
    have been, as long as there is time; none is where ``clocks``, of CPU time and of waiting, have the second. Where
    calls have one thread and a clock of CPU time, all those of a round run on one core, drawn.
    """
    draw, names = np.random.default_rng(seed), list(contestants)
    times: dict[str, list[np.ndarray]] = {name: [] for name in names}
    spent = dict.fromkeys(names, 0.0)
    left = {name: deque(range(settings.rounds)) for name in names}
    while any(left.values()):
        for name in (names[index] for index in draw.permutation(len(names))):
            drawn = len(times[name])
            enough = drawn >= settings.min_rounds and spent[name] > settings.seconds
            if enough or drawn >= MOST_DRAWN * settings.rounds:
                left[name].clear()
            if not left[name]:
                continue
            number = left[name].popleft()
            sides, again = (contestants[name], reference), (repeats or {}).get(name, 1)
            with on_one_core(draw) if settings.threads == 1 and clocks[0] else nullcontext():
                turns = [again] if in_blocks else [1] * again
                calls = np.concatenate([_beside(sides, number, draw, clocks, turn) for turn in turns])
            times[name].append(of_round(calls))
            spent[name] += float(calls[..., 0].sum())
            if not (clocks[1] or had_core(times[name][-1])):
                left[name].append(number)
    return {name: np.array(rounds) for name, rounds in times.items()}


def _beside(
    sides: tuple[Prepare, Prepare], number: int, draw: np.random.Generator, clocks: Clocks, calls: int
) -> np.ndarray:
    """Return ``[calls, 2, 2]``: the wall and CPU time of so many calls of each side, one side after the other."""
    first = int(draw.random() < 0.5)
    # each is readied right before its own call: what waited for the other's would have gone cold
    clocked = {which: [_clocked(sides[which](number), *clocks) for _ in range(calls)] for which in (first, 1 - first)}
    return np.array([clocked[0], clocked[1]]).swapaxes(0, 1)


def _repeats(contestants: Mapping[str, Prepare], reference: Prepare, settings: TimingSettings) -> dict[str, int]:
    """Return how often a round calls each contestant, and the reference with it, by how long they take."""
    beside = min(_clocked(reference(i), None)[0] for i in range(3))
    longest = {name: min(_clocked(prepare(i), None)[0] for i in range(3)) for name, prepare in contestants.items()}
    return {name: settings.repeats_of(beside + seconds) for name, seconds in longest.items()}


def _clocked(
    call: Callable[[], object], cpu_clock: CpuClock | None, waiting_clock: WaitingClock | None = None
) -> tuple[float, float]:
    """Return the wall and CPU time of a call; what it waited for its core is no part of the first where that is known.

    What runs meanwhile is never less than the CPU time: a thread may wait for another of the same call.
    """
    cpu = cpu_clock() if cpu_clock else float("nan")
    waited = waiting_clock() if waiting_clock else 0.0
    wall = time.perf_counter()
    call()
    wall = time.perf_counter() - wall
    waited = waiting_clock() - waited if waiting_clock else 0.0
    cpu = cpu_clock() - cpu if cpu_clock else cpu
    own = max(wall - max(waited, 0.0), cpu) if waiting_clock else wall
    return max(own, 1e-9), max(cpu, 0.0)
