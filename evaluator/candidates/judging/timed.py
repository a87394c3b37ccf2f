"""A program under the clock: what ``measure`` asks of a contestant, and what its answers there are held to.

A call that is timed is the first that anybody makes on its load. Some of these loads are asked about afterwards, in
other labels and without a clock, of fresh processes: there a program must not do better than it did under the clock.
Nor may it do worse beside its parent, under the same clock, than it did where both were tried: whatever tells a program
that it is timed, such as how long the judge has been running, it gains nothing by heeding it.

Shapes: W windows, L layers, E logical experts.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eplb_variants import Placement
from eplb_variants.loads import FloatArray
from evaluator.analysis.columns import HEADLINE, METRICS
from evaluator.analysis.statistics import Estimate
from evaluator.candidates.judging.asking import Process, Question, in_own_labels, question
from evaluator.candidates.judging.checks import STATE, WORKLOAD, Invalid, in_time
from evaluator.candidates.judging.decoys import of_no_use
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.quality import metrics
from evaluator.sweep.stratum import Stratum
from evaluator.timing.alone import on_one_core

ASKED_AGAIN = 8
"""Processes of the clock whose loads are asked about again."""
CHANCE = 3.0
"""Standard errors by which answers under the clock may be worse than others beyond the floor of a verdict."""


class Load(NamedTuple):
    """A load that a program is timed on.

    Attributes:
        load_LE: what it places.
        judged_LE: what the placement is judged on: the window after the one that the load is like; where there is
            none, the load itself.
    """

    load_LE: FloatArray
    judged_LE: NDArray[np.generic]

    def balance(self, placement: Placement, asked: Question) -> float:
        """Return the balancedness of GPUs that a placement in a question's labels has."""
        return float(metrics.balance(self.judged_LE, in_own_labels(placement, asked.order_LE)).gpu)


class TimedProgram:
    """A program made ready for rounds of timing: what ``measure`` asks of a contestant.

    Each round has a fresh process: loaded, warmed up, stopped until its first call and between its calls, and ended
    before the next round. It runs on the core of the thread that asks. The clock sees a call go out and ``phy2log``
    come back. So nothing that a process left running disturbs the one beside it.

    Args:
        sandbox: where processes come from.
        program: what they run.
        stratum: like whose windows the loads are.
        calls: of a round.
        secret: what is drawn from it, with the number of the round, is like which windows its loads are. Two programs
            with one secret get loads like the same windows, each its own.
        deadline: of ``time.monotonic``, for the program.
        warm_up: calls before the first round, which has a process for each.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        program: Program,
        stratum: Stratum,
        calls: int,
        secret: int,
        deadline: float = float("inf"),
        warm_up: int = 0,
    ) -> None:
        self.balances: list[list[tuple[Load, float]]] = []
        """By process, the loads and what the answers for them were worth."""
        self._sandbox, self._program, self._stratum = sandbox, program, stratum
        self._calls, self._secret, self._deadline, self._warm_up = calls, secret, deadline, warm_up
        self._draw = np.random.default_rng(secrets.randbits(128))
        self._rounds, self._before = 0, warm_up
        self._process: Process | None = None
        self._left: Iterator[Load] = iter(())
        self._asked: tuple[Load, Question] | None = None
        self._failure: Invalid | None = None

    def __call__(self, round_number: int) -> Callable[[], object]:
        """Return the next call of a round; Invalid where the program does not come that far."""
        self.rest()
        load = next(self._left, None)
        if load is None:
            load = self._begin()
        self._raise()
        assert self._process is not None
        asked = question(load.load_LE, self._stratum.topology, self._draw)
        self._process.make_ready(asked)
        self._asked = load, asked
        return self._process.ask

    def _begin(self) -> Load:
        """Ready a fresh process, and return the first of the loads that it gets."""
        self.end()
        in_time(self._deadline)
        if self._warm_up:
            self._warm_up -= 1
            loads = self._loads(1, self._draw)
        else:
            loads = self._loads(self._calls, np.random.default_rng([self._secret, self._rounds]))
            self._rounds += 1
        self.balances.append([])
        self._left = iter(loads[1:])
        like_LE, topology = loads[0].load_LE, self._stratum.topology
        self._process = Process(self._sandbox, self._program, like_LE, topology, self._draw)
        return loads[0]

    def _loads(self, number: int, draw: np.random.Generator) -> list[Load]:
        """Return so many new loads, each like a window of another trace as long as there are others.

        Args:
            number: how many.
            draw: what says like which windows.
        """
        traces, loads = self._stratum.traces, []
        for index in draw.permutation(max(number, len(traces)))[:number]:
            windows_WLE = traces[int(index) % len(traces)]
            window = int(draw.integers(max(len(windows_WLE) - 1, 1)))
            load_LE = of_no_use(windows_WLE[window], self._draw)
            loads.append(Load(load_LE, windows_WLE[window + 1] if window + 1 < len(windows_WLE) else load_LE))
        return loads

    def rest(self) -> None:
        """Stop the process, if it has been asked, and judge its answer; what fails is raised when it is called next."""
        if self._asked is None or self._process is None:
            return
        (load, asked), self._asked = self._asked, None
        try:
            self.balances[-1].append((load, load.balance(self._process.finish(), asked)))
        except Invalid as error:
            self._failure = error

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process of this round."""
        return 0.0 if self._process is None else self._process.cpu_seconds()

    def end(self) -> None:
        """End the process of the last round; Invalid where an answer was no placement."""
        self.rest()
        self.kill()
        self._raise()

    def kill(self) -> None:
        """End the process of the last round, whatever it answered."""
        if self._process is not None:
            self._process.end()
            self._process = None
        self._asked, self._left = None, iter(())

    def _losses(self, answered: list[tuple[Load, float]]) -> list[float]:
        """Return by how much a fresh process does better on loads than was done under the clock."""
        topology, losses = self._stratum.topology, []
        process = Process(self._sandbox, self._program, answered[0][0].load_LE, topology, self._draw)
        try:
            for load, under_clock in answered:
                asked = question(load.load_LE, topology, self._draw)
                losses.append(load.balance(process.answer(asked), asked) - under_clock)
        finally:
            process.end()
        return losses

    def means(self) -> FloatArray:
        """Return what its answers were worth on average, for each process of a round."""
        return np.array([np.mean([own for _, own in process]) for process in self.balances[self._before :] if process])

    def check(self, beside: TimedProgram, difference: Estimate) -> None:
        """See that what it gained or lost beside its parent under the clock is what it did without one.

        Args:
            beside: its parent under the same clock.
            difference: of the two in the headline metric, where they were tried.

        Raises:
            Invalid: it did worse, by more than the floor of a verdict and what chance explains.
        """
        self.end()
        beside.end()
        own, other = self.means(), beside.means()
        number = min(len(own), len(other))
        found = own[:number] - other[:number]
        spread = float(np.std(found) / np.sqrt(max(number - 1, 1))) if number else 0.0
        half = (difference.high - difference.low) / 4  # of a 95% interval, about a standard error
        known = half if np.isfinite(half) else 0.0
        slack = METRICS[HEADLINE].floor + CHANCE * float(np.hypot(spread, known))
        if number and np.mean(found) < difference.value - slack:
            raise Invalid(STATE, WORKLOAD, "under the clock it does worse beside its parent than without one")

    def check_again(self) -> None:
        """Ask about some of the loads again, of fresh processes without a clock.

        Raises:
            Invalid: an answer is no placement, or those under the clock are worse on average, by more than the floor of
                a verdict and what chance explains.
        """
        self.end()
        losses: list[float] = []
        chosen = [process for process in self.balances if process]
        for index in self._draw.permutation(len(chosen))[:ASKED_AGAIN]:
            in_time(self._deadline)
            with on_one_core(self._draw):
                losses += self._losses(chosen[index])
        error = np.std(losses) / np.sqrt(max(len(losses) - 1, 1)) if losses else 0.0
        if losses and np.mean(losses) > METRICS[HEADLINE].floor + CHANCE * error:
            raise Invalid(STATE, WORKLOAD, "the answers under the clock are worse than those without one")
