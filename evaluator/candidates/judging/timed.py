"""A program under the clock: what ``measure`` asks of a contestant, and what its answers there are held to.

A call that is timed is the first that anybody makes on its load. Some of these loads are asked about afterwards, in
other labels and without a clock, of fresh processes: there a program must not do better than it did under the clock.
Nor may it do worse beside its parent, under the same clock, than it did where both were tried: whatever tells a program
that it is timed, such as how long the judge has been running, it gains nothing by heeding it.

Shapes: W windows, L layers, E logical experts.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from eplb_variants import Placement
from eplb_variants.loads import FloatArray
from evaluator.analysis.columns import HEADLINE, METRICS
from evaluator.analysis.statistics import Estimate
from evaluator.candidates.judging.asking import Process, Question, in_own_labels, question
from evaluator.candidates.judging.checks import STATE, WORKLOAD, Invalid, in_time
from evaluator.candidates.judging.decoys import Asked, like
from evaluator.candidates.judging.trial import TURNS, ToAsk, place
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.quality import metrics
from evaluator.sweep.stratum import Stratum
from evaluator.timing.alone import on_one_core

ASKED_AGAIN = 8
"""Processes of the clock whose loads are asked about again."""
CHANCE = 3.0
"""Standard errors by which answers under the clock may be worse than others beyond the floor of a verdict, where there
are many; of few answers as many as are as rare by Student's distribution."""

COLLAPSED = 0.5
"""Part of the least that its parent's answers were worth, below which an answer of a better program is a ruin."""


class Load(NamedTuple):
    """A load that a program is timed on.

    Attributes:
        load_LE: what it places.
        judged_LE: what the placement is judged on: the window after the one that the load is like; where there is
            none, the load itself.
    """

    load_LE: FloatArray
    judged_LE: NDArray[np.generic]

    def balance(self, placement: Placement) -> float:
        """Return the balancedness of GPUs that a placement in the load's labels has."""
        return float(metrics.balance(self.judged_LE, placement).gpu)


class _Turn(NamedTuple):
    """A process of a round, its number among all, and the loads that it has not been asked about."""

    number: int
    process: Process
    left: deque[Load]


def _errors(number: int) -> float:
    """Return the standard errors of so many values that chance passes as rarely as ``CHANCE`` of many."""
    return float(stats.t.isf(stats.norm.sf(CHANCE), max(number - 1, 1)))


class TimedProgram:
    """A program made ready for rounds of timing: what ``measure`` asks of a contestant.

    Each round has fresh processes, ``TURNS`` of them, which take turns, as they do where the program is judged: so as
    much time passes between two calls of a process here as there. They are loaded, warmed up, stopped until their first
    call and between their calls, and ended before the next round. They run on the core of the thread that asks. The
    clock sees a call go out and ``phy2log`` come back. So nothing that a process left running disturbs another.

    Args:
        sandbox: where processes come from.
        program: what they run.
        stratum: like whose windows the loads are.
        calls: of each process.
        secret: what is drawn from it, with the number of the process, is of which interpreter it is and like which
            windows its loads are. Two programs with one secret get the same, each with loads of its own.
        deadline: of ``time.monotonic``, for the program.
        warm_up: calls before the first round, which has a process for each.

    Attributes:
        outside_seconds: by process and call, the wall time that it had outside the clock: from its going on to its
            being ready, and from its answer to the other maps.
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
        self.outside_seconds: list[list[float]] = []
        self._sandbox, self._program, self._stratum = sandbox, program, stratum
        self._calls, self._secret, self._deadline, self._warm_up = calls, secret, deadline, warm_up
        self._draw = np.random.default_rng(secrets.randbits(128))
        self._begun, self._before = 0, warm_up
        self._turns: deque[_Turn] = deque()
        """The processes of this round, the one whose turn is next first."""
        self._asked: tuple[_Turn, Load, Question] | None = None
        self._answered: list[tuple[int, Load, Question, Placement]] = []
        """By number of the process, what was answered and is not judged yet: that takes time between two calls."""
        self._failure: Invalid | None = None

    def __call__(self, round_number: int) -> Callable[[], object]:
        """Return the next call of a round; Invalid where the program does not come that far."""
        self.rest()
        if not self._turns or not self._turns[0].left:
            self._begin()
        self._raise()
        turn = self._turns[0]
        self._turns.rotate(-1)
        load = turn.left.popleft()
        asked = question(load.load_LE, self._stratum.topology, self._draw)
        turn.process.make_ready(asked)
        self._asked = turn, load, asked
        return turn.process.ask

    def _begin(self) -> None:
        """Ready the fresh processes of a round with the loads that they get; one before the first round."""
        self.end()
        in_time(self._deadline)
        warming = self._warm_up > 0
        self._warm_up -= warming
        if warming:
            draws, calls = [self._draw], 1
        else:
            numbers, calls = range(self._begun, self._begun + TURNS), self._calls
            draws = [np.random.default_rng([self._secret, number]) for number in numbers]
            self._begun += TURNS
        of_round = [(self._sandbox.drawn(draw), self._loads(calls, draw)) for draw in draws]
        for origin, loads in of_round:  # nothing but their start lies between the first answers of two processes
            like_LE, topology = loads[0].load_LE, self._stratum.topology
            process = Process(origin, self._program, like_LE, topology, self._draw)
            self._turns.append(_Turn(len(self.balances), process, deque(loads)))
            self.balances.append([])
            self.outside_seconds.append([])

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
            load_LE = like(windows_WLE[window], self._draw)
            loads.append(Load(load_LE, windows_WLE[window + 1] if window + 1 < len(windows_WLE) else load_LE))
        return loads

    def rest(self) -> None:
        """Stop the process, if one has been asked; what fails is raised when the program is called next."""
        if self._asked is None:
            return
        (turn, load, asked), self._asked = self._asked, None
        try:
            self._answered.append((turn.number, load, asked, turn.process.finish()))
        except Invalid as error:
            self._failure = error
            return
        self.outside_seconds[turn.number].append(turn.process.ready_seconds + turn.process.rest_seconds)

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def cpu_seconds(self) -> float:
        """Return the CPU time of the processes of this round."""
        return sum(turn.process.cpu_seconds() for turn in self._turns)

    def waited_seconds(self) -> float:
        """Return how long the processes of this round waited for a core that others had."""
        return sum(turn.process.waited_seconds() for turn in self._turns)

    def end(self) -> None:
        """End the processes of the last round and judge their answers; Invalid where one was no placement."""
        self.rest()
        for number, load, asked, placement in self._answered:
            self.balances[number].append((load, load.balance(in_own_labels(placement, asked.order_LE))))
        self.kill()
        self._raise()

    def kill(self) -> None:
        """End the processes of the last round, whatever they answered."""
        while self._turns:
            self._turns.pop().process.end()
        self._asked = None
        self._answered.clear()

    def _losses(self, some: list[list[tuple[Load, float]]]) -> list[float]:
        """Return by how much fresh processes, which take turns, do better on loads than was done under the clock."""
        asked = [[ToAsk(Asked(0, True, load.load_LE)) for load, _ in answered] for answered in some]
        found = place(self._sandbox, self._program, asked, self._stratum.topology, self._draw)
        return [
            load.balance(one.placement) - under_clock
            for answered, again in zip(some, found, strict=True)
            for (load, under_clock), one in zip(answered, again, strict=True)
        ]

    def means(self) -> FloatArray:
        """Return what its answers were worth on average, for each process of a round."""
        return np.array([np.mean([own for _, own in process]) for process in self.balances[self._before :] if process])

    def check(self, beside: TimedProgram, difference: Estimate) -> None:
        """See that what it gained or lost beside its parent under the clock is what it did without one.

        Args:
            beside: its parent under the same clock.
            difference: of the two in the headline metric, where they were tried.

        Raises:
            Invalid: it did worse, by more than the floor of a verdict and what chance explains; or it was better where
                both were tried, and one of its answers here is ruinous, which windows that count may all have missed.
        """
        self.end()
        beside.end()
        worth, least = ([own for process in side.balances for _, own in process] for side in (self, beside))
        if difference.value > 0 and worth and least and min(worth) < COLLAPSED * min(least):
            raise Invalid(STATE, WORKLOAD, "in one of its calls it did less than half as well as its parent ever did")
        own, other = self.means(), beside.means()
        number = min(len(own), len(other))
        found = own[:number] - other[:number]
        spread = float(np.std(found) / np.sqrt(max(number - 1, 1))) if number else 0.0
        half = (difference.high - difference.low) / 4  # of a 95% interval, about a standard error
        known = half if np.isfinite(half) else 0.0
        slack = METRICS[HEADLINE].floor + _errors(number) * float(np.hypot(spread, known))
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
        again = [chosen[index] for index in self._draw.permutation(len(chosen))[:ASKED_AGAIN]]
        for first in range(0, len(again), TURNS):
            in_time(self._deadline)
            with on_one_core(self._draw):
                losses += self._losses(again[first : first + TURNS])
        error = np.std(losses) / np.sqrt(max(len(losses) - 1, 1)) if losses else 0.0
        if losses and np.mean(losses) > METRICS[HEADLINE].floor + _errors(len(losses)) * error:
            raise Invalid(STATE, WORKLOAD, "the answers under the clock are worse than those without one")
