"""A trial: a program runs on a workload in processes of its own, and its rows and times are taken.

Every window goes to a fresh process, at a drawn place among decoys of it (``decoys.py``), so that nothing can be kept
from one to the next, and the call that is judged cannot be told from one that is timed.
Shapes: W windows, L layers, E logical experts.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from eplb_variants import Placement, Topology
from eplb_variants.loads import FloatArray, IntArray
from evaluator.candidates.judging.checks import STATE, WORKLOAD, Invalid, ask, checked, failed, in_time, run_battery
from evaluator.candidates.judging.decoys import among_decoys
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.failure import CandidateFailed
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.candidates.sandbox.worker import Worker, call_bytes, read_answer
from evaluator.quality import metrics
from evaluator.quality.replay import replay
from evaluator.timing.prepare import chosen_windows
from evaluator.workloads.windows import WindowSequence

STALE = 0.002
"""Balancedness by which the timed answers of a program that draws them may be worse on average than the judged ones."""
LOADS = 5
"""Loads that a process is asked about, the window among them; fewer of a program that takes long."""
DECOY_SECONDS = 1.0
"""CPU seconds of a process after which it is asked about no more decoys: so slow a program is timed by one call."""
CHANCE = 3.0
"""Standard deviations of the answers' balancedness by which those of a program that repeats itself may be worse."""
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
        seconds: wall time of its quickest answer to a window.
    """

    rows: list[dict[str, Any]]
    placements: list[IntArray]
    repeats: bool
    checked_loads: int
    seconds: float


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
    after: list[int] = field(default_factory=list)
    """Decoys before each window."""
    seconds: float = float("inf")

    def place(self, load: Any, topology: Topology, previous: Placement | None = None) -> Placement:
        in_time(self.deadline)
        self.after.append(secrets.randbelow(LOADS))
        placed = place(self.sandbox, self.program, load[-1], topology, after=self.after[-1])
        self.placements.append(placed.placement.phy2log)
        self.seconds = min(self.seconds, placed.seconds)
        return placed.placement


class Placed(NamedTuple):
    """A checked placement, and the wall time of the answer."""

    placement: Placement
    seconds: float


def place(
    sandbox: Sandbox, program: Program, load_LE: Any, topology: Topology, seed: int = 0, after: int = 0
) -> Placed:
    """Return the checked placement of a program for a load; Invalid where there is none.

    A fresh process answers for a load of no use, then for decoys of this one, as many as ``after`` says, then for the
    load itself: the same calls as those that are timed, so that a program cannot tell one from the other, and what it
    keeps is of no use.
    """
    worker = warmed_up(sandbox, program, load_LE.shape, topology)
    draw = np.random.default_rng(secrets.randbits(128))
    try:
        for decoy_LE in among_decoys(load_LE, topology, after + 1, after, draw)[:after]:
            if worker.cpu_seconds() > DECOY_SECONDS:
                break
            checked(ask(worker, decoy_LE, topology, WORKLOAD), load_LE.shape, topology, WORKLOAD)
        began = time.perf_counter()
        answer = ask(worker, load_LE, topology, WORKLOAD, seed)
        seconds = time.perf_counter() - began
    finally:
        worker.kill()
    return Placed(checked(answer, load_LE.shape, topology, WORKLOAD), seconds)


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
    elsewhere = (confined.after[0] + 1 + secrets.randbelow(LOADS - 1)) % LOADS
    again = place(sandbox, program, windows_WLE[0], topology, OTHER_SEED, after=elsewhere)
    repeats = np.array_equal(again.placement.phy2log, confined.placements[0])
    return Trial(rows, confined.placements, repeats, checked_loads, confined.seconds)


class TimedProgram:
    """A program made ready for rounds of timing: what ``measure`` asks of a contestant.

    Each round has a fresh process: loaded, warmed up, stopped until its first call and between its calls, and ended
    before the next round. The clock sees a call go out and the answer come back. So nothing that a process left running
    disturbs the one beside it. All answers are kept, to be looked at afterwards.

    Args:
        sandbox: where processes come from.
        program: what they run.
        windows_WLE: of the workload.
        topology: for which machine.
        repeats: calls of a round: one of them is for the window, the others for decoys of it.
        secret: what the loads of a round are drawn from, with its number. Two programs with one secret get the same.
        warm_up: calls before the first round, which has a process for each.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        program: Program,
        windows_WLE: WindowSequence,
        topology: Topology,
        repeats: int,
        secret: int,
        warm_up: int = 0,
    ) -> None:
        self.answers: list[tuple[int, IntArray]] = []
        """Windows that were asked about, and the answers ``[L, P]``."""
        self.balances: list[tuple[int, bool, float]] = []
        """Of all loads, the window, whether it is that or a decoy, and the balancedness of the answer."""
        self._sandbox, self._program, self._windows, self._topology = sandbox, program, windows_WLE, topology
        self._repeats, self._secret, self._warm_up = repeats, secret, warm_up
        self._chosen = chosen_windows(len(windows_WLE))
        self._worker: Worker | None = None
        self._process = 0
        self._left: list[Callable[[], None]] = []
        self._raw: list[tuple[int, FloatArray, bool, bytes]] = []

    def __call__(self, round_number: int) -> Callable[[], object]:
        """Return the next call of a round; Invalid where the program does not come that far."""
        if not self._left:
            self._begin(self._chosen[round_number % len(self._chosen)])
        return self._left.pop(0)

    def _begin(self, window: int) -> None:
        """Ready a fresh process, and the calls that it gets."""
        self.end()
        number = 1 if self._warm_up else self._repeats
        if self._warm_up:
            self._warm_up -= 1
        else:
            self._process += 1
        draw = np.random.default_rng([self._secret, self._process])
        place = int(draw.integers(number))
        loads = among_decoys(self._windows[window], self._topology, number, place, draw)
        worker = self._worker = warmed_up(self._sandbox, self._program, loads[0].shape, self._topology)
        worker.pause()
        for i, load_LE in enumerate(loads):
            payload = call_bytes(load_LE, self._topology)
            self._left.append(partial(self._call, worker, payload, (window, load_LE, i == place)))

    def _call(self, worker: Worker, payload: bytes, asked: tuple[int, FloatArray, bool]) -> None:
        worker.go_on()
        try:
            self._raw.append((*asked, worker.ask(payload)))
        except CandidateFailed as error:
            raise failed(error, WORKLOAD) from None
        worker.pause()

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process of this round."""
        return 0.0 if self._worker is None else self._worker.cpu_seconds()

    def kill(self) -> None:
        """End the process of the last round."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None
        self._left.clear()

    def end(self) -> None:
        """End the process of the last round, and read what it answered; Invalid where that is no placement."""
        self.kill()
        raw, self._raw = self._raw, []
        for window, load_LE, is_real, payload in raw:
            try:
                answer = read_answer(payload)
            except CandidateFailed as error:
                raise failed(error, WORKLOAD) from None
            placement = checked(answer, load_LE.shape, self._topology, WORKLOAD)
            if is_real:
                self.answers.append((window, placement.phy2log))
            self.balances.append((window, is_real, metrics.balance(load_LE, placement).gpu))

    def check(self, trial: Trial) -> None:
        """See that the answers under the clock are those that were judged.

        A program that repeats itself must give the very placements. One that draws random numbers of its own may
        differ, but on average not be worse. Neither may be worse for decoys than chance explains: the judged placement
        of a program that goes by the names of experts is one draw of what it does for renamed ones.

        Raises:
            Invalid: an answer is no placement, or not what the program answers without a clock.
        """
        self.end()
        for window, phy2log in self.answers:
            if trial.repeats and not np.array_equal(phy2log, trial.placements[window]):
                raise Invalid(STATE, WORKLOAD, "an answer under the clock is not the one that was judged")
        worse = [(real, trial.rows[window]["balancedness_gpu_own"] - own) for window, real, own in self.balances]
        itself, all_loads = [loss for real, loss in worse if real], [loss for _, loss in worse]
        too_much = bool(itself) and np.mean(itself) > STALE
        too_much |= bool(all_loads) and np.mean(all_loads) > STALE + CHANCE * np.std(all_loads)
        if too_much:
            raise Invalid(STATE, WORKLOAD, "the answers under the clock are worse than those that were judged")
