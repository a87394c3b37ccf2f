"""A trial: a program runs on some traces in processes of its own, and its rows are taken.

A process answers for windows of different traces, and for decoys, in a drawn order (``decoys.py``). No process sees
two windows of one trace, so that nothing that is kept from one call is of use for the next; and a call that is judged
cannot be told from one that is timed.
Shapes: W windows, L layers, E logical experts.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eplb_variants import Placement, Topology
from eplb_variants.loads import FloatArray, IntArray
from evaluator.candidates.judging.checks import WORKLOAD, ask, checked, failed, in_time, run_battery
from evaluator.candidates.judging.decoys import Asked, asked_about, of_no_use
from evaluator.candidates.judging.stages import FIRST, is_hopeless
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.failure import CandidateFailed
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.candidates.sandbox.worker import Worker
from evaluator.quality.replay import replay
from evaluator.sweep.stratum import Stratum

LOADS = 5
"""Loads that a process is asked about; fewer of a program that takes long."""
SLOW_SECONDS = 1.0
"""CPU seconds of a process after which it is asked about no more: so slow a program has one for each window, and is
timed by one call."""
OTHER_SEED = 1
"""Of the program's random numbers, for the second call that asks whether it repeats itself."""


@dataclass(frozen=True, eq=False)
class Replay:
    """What a program did on a trace.

    Attributes:
        rows: a row of metrics per window, under the names of the results' columns.
        placements: ``phy2log [L, P]`` per window.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    placements: list[IntArray] = field(default_factory=list)


Replays = Sequence[Sequence[Replay]]
"""By stratum and trace."""


def by_trace(replays: Replays, name: str) -> list[list[FloatArray]]:
    """Return the values of a metric by stratum and trace, each by window; NaN where a window has none."""
    return [[np.array([row.get(name) for row in one.rows], dtype=float) for one in stratum] for stratum in replays]


@dataclass(frozen=True, eq=False)
class Trial:
    """What a program did on the strata that it was tried on.

    Attributes:
        replays: by stratum and trace.
        repeats: whether two calls on the same window, with other random numbers, gave the same placement.
        checked_loads: hard loads that it passed.
        seconds: wall time of its quickest answer to a window that counts.
        given_up: whether the first windows were so bad that it was not asked about the others.
    """

    replays: Replays
    repeats: bool
    checked_loads: int
    seconds: float
    given_up: bool = False


@dataclass(eq=False)
class _Placed:
    """A program as a variant: what ``replay`` asks for was placed before."""

    name: str = "program"
    summary: str = ""
    windows: int = 1
    placements: list[Placement] = field(default_factory=list)
    """Of windows that ``replay`` has not come to yet."""

    def place(self, load: Any, topology: Topology, previous: Placement | None = None) -> Placement:
        return self.placements.pop(0)


class Placed(NamedTuple):
    """A checked placement, and the wall time of the answer."""

    placement: Placement
    seconds: float


def place(
    sandbox: Sandbox, program: Program, asked: Sequence[Asked], topology: Topology, seed: int = 0
) -> dict[int, Placed]:
    """Return the checked placements of a program for the windows that count, by trace; Invalid where one is none.

    A fresh process answers for a load of no use, then for what it is asked about, as far as the last window that
    counts: the same calls as those that are timed, so that a program cannot tell one from the other.
    """
    placed: dict[int, Placed] = {}
    last = max(i for i, one in enumerate(asked) if one.counts)
    worker: Worker | None = None
    answered = 0
    try:
        for one in asked[: last + 1]:
            slow = worker is not None and answered > 0 and worker.cpu_seconds() > SLOW_SECONDS
            if slow and not one.counts:
                continue
            if worker is None or slow:
                if worker is not None:
                    worker.kill()
                worker, answered = warmed_up(sandbox, program, one.load_LE, topology), 0
            began = time.perf_counter()
            answer = ask(worker, one.load_LE, topology, WORKLOAD, seed)
            seconds = time.perf_counter() - began
            answered += 1
            placement = checked(answer, one.load_LE.shape, topology, WORKLOAD)
            if one.counts:
                placed[one.trace] = Placed(placement, seconds)
    finally:
        if worker is not None:
            worker.kill()
    return placed


def warmed_up(sandbox: Sandbox, program: Program, like_LE: NDArray[Any], topology: Topology) -> Worker:
    """Return a fresh process that has loaded a program and answered for a load like another, of no use for it."""
    worker = loaded(sandbox, program)
    load_LE = of_no_use(like_LE, topology, np.random.default_rng(secrets.randbits(128)))
    try:
        checked(ask(worker, load_LE, topology, WORKLOAD), load_LE.shape, topology, WORKLOAD)
    except BaseException:
        worker.kill()
        raise
    return worker


def loaded(sandbox: Sandbox, program: Program) -> Worker:
    """Return a fresh process that has loaded a program; Invalid where it does not load."""
    try:
        return sandbox.load(program.source)
    except CandidateFailed as error:
        raise failed(error, "loading the program") from None


def try_out(sandbox: Sandbox, program: Program, strata: Sequence[Stratum], parent: Trial | None = None) -> Trial:
    """Return what a program does on the hard loads and on strata; Invalid at the first check that it fails.

    Args:
        sandbox: where processes come from.
        program: which.
        strata: one or more.
        parent: what its parent did on them. A program whose first windows are hopeless beside it is given up.
    """
    deadline = time.monotonic() + sandbox.limits.total_seconds
    worker = loaded(sandbox, program)
    try:
        checked_loads = run_battery(worker, deadline)
    finally:
        worker.kill()
    running = _Running(sandbox, program, strata, deadline)
    running.go_on(FIRST)
    given_up = parent is not None and is_hopeless(*(partial(by_trace, one.replays) for one in (running, parent)))
    if not given_up:
        running.go_on()
    return Trial(running.replays, running.repeats(), checked_loads, running.seconds, given_up)


def replayed(sandbox: Sandbox, program: Program, strata: Sequence[Stratum]) -> Replays:
    """Return what a program that passed the hard loads does on further strata; Invalid where it fails."""
    running = _Running(sandbox, program, strata, time.monotonic() + sandbox.limits.total_seconds)
    running.go_on()
    return running.replays


class _Running:
    """A program on the traces of some strata: some windows of each first, the others if it is worth it."""

    def __init__(self, sandbox: Sandbox, program: Program, strata: Sequence[Stratum], deadline: float) -> None:
        self._sandbox, self._program, self._deadline = sandbox, program, deadline
        self._strata = [_RunningStratum(stratum) for stratum in strata]
        self._draw = np.random.default_rng(secrets.randbits(128))
        self.seconds = float("inf")
        """The wall time of the quickest answer."""

    @property
    def replays(self) -> Replays:
        """What it did so far."""
        return [running.replays for running in self._strata]

    def go_on(self, windows: int | None = None) -> None:
        """Have it place so many further windows of every trace; all that are left where no number is given."""
        for running in self._strata:
            for of_trace in itertools.islice(running.left, windows):
                self._place(running, of_trace)

    def _place(self, running: _RunningStratum, of_trace: dict[int, Any]) -> None:
        """Have it place a window of each trace; as many share a process as that is asked about, drawn which."""
        traces, loads = list(of_trace), list(of_trace.values())
        processes = -(-len(loads) // LOADS)
        for counting in np.array_split(self._draw.permutation(len(loads)), processes):
            in_time(self._deadline)
            asked = asked_about(loads, counting.tolist(), LOADS, running.stratum.topology, self._draw)
            placed = place(self._sandbox, self._program, asked, running.stratum.topology)
            for index, (placement, seconds) in placed.items():
                running.add(traces[index], placement)
                self.seconds = min(self.seconds, seconds)

    def repeats(self) -> bool:
        """Return whether it places a window once more as it did, alone among decoys, with other random numbers."""
        running = self._strata[0]
        trace = int(self._draw.integers(len(running.stratum.traces)))
        load_LE, at = running.stratum.traces[trace][0], int(self._draw.integers(LOADS))
        asked = asked_about([load_LE], [0], LOADS, running.stratum.topology, self._draw, at)
        again = place(self._sandbox, self._program, asked, running.stratum.topology, OTHER_SEED)[0]
        return np.array_equal(again.placement.phy2log, running.replays[trace].placements[0])


class _RunningStratum:
    """The traces of a stratum, each replayed as far as its windows have been placed."""

    def __init__(self, stratum: Stratum) -> None:
        self.stratum = stratum
        self.replays = [Replay() for _ in stratum.traces]
        self._placed = [_Placed() for _ in stratum.traces]
        self._rows = [
            replay(placed, windows_WLE, stratum.topology)  # type: ignore[arg-type]
            for placed, windows_WLE in zip(self._placed, stratum.traces, strict=True)
        ]
        self.left = self._windows()

    def _windows(self) -> Iterator[dict[int, Any]]:
        """Yield window after window, of each trace that has so many, by the trace's number."""
        traces = self.stratum.traces
        for window in range(max(map(len, traces))):
            yield {number: trace[window] for number, trace in enumerate(traces) if window < len(trace)}

    def add(self, trace: int, placement: Placement) -> None:
        """Add the placement of the next window of a trace."""
        self._placed[trace].placements.append(placement)
        self.replays[trace].placements.append(placement.phy2log)
        self.replays[trace].rows.append(next(self._rows[trace]))
