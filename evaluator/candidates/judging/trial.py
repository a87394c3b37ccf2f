"""A trial: a program runs on a workload in processes of its own, and its rows and times are taken.

Every window goes to a fresh process, so that nothing can be kept from one to the next.
Shapes: W windows, L layers, E logical experts.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eplb_variants import Placement, Topology
from eplb_variants.loads import IntArray
from evaluator.candidates.judging.checks import STATE, WORKLOAD, Invalid, ask, checked, failed, in_time, run_battery
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.failure import CandidateFailed
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.candidates.sandbox.worker import Worker, call_bytes, read_answer
from evaluator.quality import metrics
from evaluator.quality.replay import replay
from evaluator.timing.rounds import chosen_windows
from evaluator.workloads.windows import WindowSequence

STALE = 0.002
"""Balancedness by which the timed answers of a program that draws them may be worse on average than the judged ones."""
OTHER_SEED = 1
"""Of the program's random numbers, for the second call that asks whether it repeats itself."""


@dataclass(frozen=True, eq=False)
class Trial:
    """What a program did on a workload.

    Attributes:
        rows: a row of metrics per window, under the names of the results' columns.
        placements: ``phy2log [L, P]`` per window.
        repeats: whether two calls on the same window, with other random numbers, gave the same placement.
        checked_loads: hard loads that it passed.
    """

    rows: list[dict[str, Any]]
    placements: list[IntArray]
    repeats: bool
    checked_loads: int


@dataclass(eq=False)
class _Confined:
    """A program as a variant: what ``replay`` asks, a fresh process answers."""

    program: Program
    sandbox: Sandbox
    deadline: float
    name: str = "program"
    summary: str = ""
    windows: int = 1
    placements: list[IntArray] = field(default_factory=list)

    def place(self, load: Any, topology: Topology, previous: Placement | None = None) -> Placement:
        in_time(self.deadline)
        placement = place(self.sandbox, self.program, load[-1], topology)
        self.placements.append(placement.phy2log)
        return placement


def place(sandbox: Sandbox, program: Program, load_LE: Any, topology: Topology, seed: int = 0) -> Placement:
    """Return the checked placement of a program for a load; Invalid where there is none.

    It is the second answer of a fresh process, after one to a load of no use: the same call that is timed, so that a
    program cannot tell one from the other, and what it keeps from the first is of no use.
    """
    worker = warmed_up(sandbox, program, load_LE.shape, topology)
    try:
        answer = ask(worker, load_LE, topology, WORKLOAD, seed)
    finally:
        worker.kill()
    return checked(answer, load_LE.shape, topology, WORKLOAD)


def warmed_up(sandbox: Sandbox, program: Program, shape: tuple[int, ...], topology: Topology) -> Worker:
    """Return a fresh process that has loaded a program and answered for a load that nobody can foresee."""
    worker = loaded(sandbox, program)
    draw = np.random.default_rng(secrets.randbits(128))
    try:
        ask(worker, np.round(1e4 * draw.lognormal(sigma=0.7, size=shape)), topology, WORKLOAD)
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


def try_out(sandbox: Sandbox, program: Program, windows_WLE: WindowSequence, topology: Topology) -> Trial:
    """Return what a program does on the hard loads and on a workload; Invalid at the first check that it fails."""
    deadline = time.monotonic() + sandbox.limits.total_seconds
    worker = loaded(sandbox, program)
    try:
        checked_loads = run_battery(worker, deadline)
    finally:
        worker.kill()
    confined = _Confined(program, sandbox, deadline)
    rows = list(replay(confined, windows_WLE, topology))  # type: ignore[arg-type]
    again = place(sandbox, program, windows_WLE[0], topology, OTHER_SEED)
    repeats = np.array_equal(again.phy2log, confined.placements[0])
    return Trial(rows, confined.placements, repeats, checked_loads)


class TimedProgram:
    """A program made ready for rounds of timing: what ``measure`` asks of a contestant.

    Each round has a fresh process: loaded, warmed up, and stopped until its call. The clock sees the call go out and
    the answer come back; the process is stopped again and ended when the clock is off, so that nothing that it left
    running disturbs the one beside it. All answers are kept, to be looked at afterwards.
    """

    def __init__(self, sandbox: Sandbox, program: Program, windows_WLE: WindowSequence, topology: Topology) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self._sandbox, self._program, self._windows, self._topology = sandbox, program, windows_WLE, topology
        self._chosen = chosen_windows(len(windows_WLE))
        self._worker: Worker | None = None

    def __call__(self, round_number: int) -> Callable[[], object]:
        """Return the call of a round; Invalid where the program does not come that far."""
        self.end()
        window = self._chosen[round_number % len(self._chosen)]
        payload = call_bytes(self._windows[window], self._topology)
        worker = self._worker = warmed_up(self._sandbox, self._program, self._windows[window].shape, self._topology)
        worker.pause()

        def call() -> None:
            worker.go_on()
            try:
                self.answers.append((window, worker.ask(payload)))
            except CandidateFailed as error:
                raise failed(error, WORKLOAD) from None
            worker.pause()

        return call

    def end(self) -> None:
        """End the process of the last round."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def check(self, trial: Trial) -> None:
        """See that the answers under the clock are those that were judged.

        A program that repeats itself must give the very placements. One that draws random numbers of its own may
        differ, but on average not be worse.

        Raises:
            Invalid: an answer is no placement, or not what the program answers without a clock.
        """
        worse = []
        for window, payload in self.answers:
            load_LE = self._windows[window]
            try:
                answer = read_answer(payload)
            except CandidateFailed as error:
                raise failed(error, WORKLOAD) from None
            placement = checked(answer, load_LE.shape, self._topology, WORKLOAD)
            if trial.repeats and not np.array_equal(placement.phy2log, trial.placements[window]):
                raise Invalid(STATE, WORKLOAD, "an answer under the clock is not the one that was judged")
            judged = trial.rows[window]["balancedness_gpu_own"]
            worse.append(judged - metrics.balance(load_LE, placement).gpu)
        if worse and np.mean(worse) > STALE:
            raise Invalid(STATE, WORKLOAD, "the answers under the clock are worse than those that were judged")
