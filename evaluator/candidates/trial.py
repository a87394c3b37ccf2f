"""A trial: a program runs on a workload in processes of its own, and its rows and times are taken.

Every window goes to a fresh process, so that nothing can be kept from one to the next.
Shapes: W windows, L layers, E logical experts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eplb_variants import Placement, Topology
from eplb_variants.loads import IntArray
from evaluator import metrics
from evaluator.candidates.checks import STATE, WORKLOAD, Invalid, ask, checked, failed, run_battery
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.pool import CandidateFailed, Sandbox, Worker, call_bytes, read_answer
from evaluator.replay import replay
from evaluator.timing import Prepare, chosen_windows

STALE = 0.02
"""Balancedness by which a timed answer may be worse than the untimed one: more than random tie-breaking does."""
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
    name: str = "program"
    summary: str = ""
    windows: int = 1
    placements: list[IntArray] = field(default_factory=list)

    def place(self, load: Any, topology: Topology, previous: Placement | None = None) -> Placement:
        placement = place(self.sandbox, self.program, load[-1], topology)
        self.placements.append(placement.phy2log)
        return placement


def place(sandbox: Sandbox, program: Program, load_LE: Any, topology: Topology, seed: int = 0) -> Placement:
    """Return the checked placement of a program for a load, made in a fresh process; Invalid where there is none."""
    worker = loaded(sandbox, program)
    try:
        answer = ask(worker, load_LE, topology, WORKLOAD, seed)
    finally:
        worker.kill()
    return checked(answer, load_LE.shape, topology, WORKLOAD)


def loaded(sandbox: Sandbox, program: Program) -> Worker:
    """Return a fresh process that has loaded a program; Invalid where it does not load."""
    try:
        return sandbox.load(program.source)
    except CandidateFailed as error:
        raise failed(error, "loading the program") from None


def try_out(sandbox: Sandbox, program: Program, windows_WLE: IntArray, topology: Topology) -> Trial:
    """Return what a program does on the hard loads and on a workload; Invalid at the first check that it fails."""
    worker = loaded(sandbox, program)
    try:
        checked_loads = run_battery(worker)
    finally:
        worker.kill()
    confined = _Confined(program, sandbox)
    rows = list(replay(confined, windows_WLE, topology))  # type: ignore[arg-type]
    again = place(sandbox, program, windows_WLE[0], topology, OTHER_SEED)
    repeats = np.array_equal(again.phy2log, confined.placements[0])
    return Trial(rows, confined.placements, repeats, checked_loads)


def prepare(
    sandbox: Sandbox, program: Program, windows_WLE: IntArray, topology: Topology, answers: dict[int, bytes]
) -> Prepare:
    """Return a function that readies a fresh process for a round: loaded, warmed up on another load, and paused.

    The clock sees the call go out and the answer come back, both read outside; the process is ended with the call. The
    raw answer to each window is left in ``answers``, to be looked at when the clock is off.
    """
    chosen = chosen_windows(len(windows_WLE))
    warm_up_LE = np.random.default_rng(0).permuted(windows_WLE[0], axis=1)  # of the same size, of no use

    def ready(round_number: int) -> Callable[[], object]:
        window = chosen[round_number % len(chosen)]
        payload = call_bytes(windows_WLE[window], topology)
        worker = loaded(sandbox, program)
        try:
            ask(worker, warm_up_LE, topology, WORKLOAD)
        except BaseException:
            worker.kill()
            raise
        worker.pause()

        def call() -> None:
            worker.go_on()
            try:
                answers[window] = worker.ask(payload)
            except CandidateFailed as error:
                raise failed(error, WORKLOAD) from None
            finally:
                worker.kill()

        return call

    return ready


def check_timed(answers: dict[int, bytes], trial: Trial, windows_WLE: IntArray, topology: Topology) -> None:
    """See that the answers under the clock are what the program answers without one.

    A program that keeps what it made for an earlier load, and returns that, is fast and wrong: its timed answer differs
    from its untimed one and is worse. One that draws random numbers of its own may differ, but not be worse.

    Raises:
        Invalid: a timed answer is no placement, or a stale one.
    """
    for window, payload in answers.items():
        try:
            answer = read_answer(payload)
        except CandidateFailed as error:
            raise failed(error, WORKLOAD) from None
        placement = checked(answer, windows_WLE[window].shape, topology, WORKLOAD)
        if np.array_equal(placement.phy2log, trial.placements[window]):
            continue
        balance = metrics.balance(windows_WLE[window], placement).gpu
        if balance < trial.rows[window]["balancedness_gpu_own"] - STALE:
            raise Invalid(
                STATE, WORKLOAD, "the answer under the clock is not the one that the same load got without it"
            )
