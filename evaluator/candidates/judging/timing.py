"""The time of a program beside its parent, round by round in processes of their own."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

import numpy as np
from scipy import stats

from evaluator.analysis.statistics import FEWEST, Estimate
from evaluator.candidates.judging.checks import Invalid
from evaluator.candidates.judging.strict import held_to_all
from evaluator.candidates.judging.timed import TimedProgram
from evaluator.candidates.judging.trial import LOADS, TURNS
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.candidates.sandbox.process import has_schedstat, run_and_waited
from evaluator.sweep.stratum import Stratum
from evaluator.timing.alone import on_one_core
from evaluator.timing.prepare import Prepare
from evaluator.timing.rounds import Timing, time_prepared, timing_of, typical, whole
from evaluator.timing.settings import TimingSettings

SAME = Estimate(0.0, 0.0, 0.0, 0)
"""The difference of a program to itself."""
ROUNDS = 1.5
"""Times as many rounds as a variant has, each with two processes of either side: processes differ from each other, by
some 5%, where calls in one do not."""
OUTSIDE, ALPHA = 0.01, 0.005
"""Part of the parent's time from which on what a program does outside the clock counts, and how rarely that is said of
an honest one."""
Side = tuple[Program, float]
"""A program, and the wall time of its quickest answer."""


class ParentFailed(Exception):
    """The parent failed where the candidate was to be timed beside it, for a reason."""

    def __init__(self, reason: Invalid) -> None:
        super().__init__(str(reason))
        self.reason = reason


def time_beside(
    sandbox: Sandbox,
    candidate: Side,
    parent: Side,
    stratum: Stratum,
    settings: TimingSettings,
    seed: int = 0,
    difference: Estimate = SAME,
    between: Sequence[Callable[[], None]] = (),
) -> Timing:
    """Return the times of a program beside its parent's: of a round, the mean over its loads.

    Each load is asked about once in a process, so that nothing can be kept; the quickest of them would be that on which
    a program does least. What it does to have slow calls left out does not help it (``strict.py``).

    Args:
        sandbox: where processes come from.
        candidate: with the seconds of its quickest answer.
        parent: the same of it.
        stratum: like whose windows the loads are.
        settings: there are ``ROUNDS`` times as many rounds, and as much time; ``LOADS`` calls of a process at most.
        seed: of the order of calls.
        difference: of the two in the headline metric, as they were tried on this stratum.
        between: what else is to be asked of the program, each of it between two rounds that are drawn: so that nothing
            tells when the program is timed, and when not.

    Raises:
        Invalid: the program fails under the clock, takes too long in all, or places worse there than without a clock.
        ParentFailed: the parent fails.
    """
    repeats = min(settings.repeats_of(candidate[1] + parent[1]), LOADS)
    settings = replace(settings, rounds=int(ROUNDS * settings.rounds), seconds=ROUNDS * TURNS * settings.seconds)
    source = stratum, repeats, secrets.randbits(128)
    deadline = time.monotonic() + sandbox.limits.total_seconds
    contestant = TimedProgram(sandbox, candidate[0], *source, deadline, warm_up=1)
    beside = TimedProgram(sandbox, parent[0], *source)

    rounds: list[np.ndarray] = []
    draw = np.random.default_rng(secrets.randbits(128))
    due = sorted(
        zip(draw.integers(settings.rounds, size=len(between)).tolist(), between, strict=True), key=itemgetter(0)
    )

    def ask_what_is_due(until: float) -> None:
        while due and due[0][0] < until:
            with on_one_core(draw):
                due.pop(0)[1]()

    def cpu_clock() -> float:
        return time.thread_time() + contestant.cpu_seconds() + beside.cpu_seconds()

    def waiting_clock() -> float:
        return run_and_waited()[1] + contestant.waited_seconds() + beside.waited_seconds()

    knows_waits = has_schedstat()
    summed_up = whole if knows_waits else typical

    def of_round(calls: np.ndarray) -> np.ndarray:
        rounds.append(calls)
        ask_what_is_due(len(rounds))
        return summed_up(calls)

    def alone(side: Prepare, other: TimedProgram) -> Prepare:
        """Return a side that is made ready only when the other one is stopped."""

        def prepare(round_number: int) -> Callable[[], object]:
            other.rest()
            return side(round_number)

        return prepare

    sides = {"candidate": alone(contestant, beside)}, alone(_blameless(beside), contestant)
    try:
        found = time_prepared(
            *sides,
            settings,
            seed,
            repeats=TURNS * repeats,
            cpu_clock=cpu_clock,
            of_round=of_round,
            in_blocks=True,
            waiting_clock=waiting_clock if knows_waits else None,
        )["candidate"]
        ask_what_is_due(float("inf"))
        contestant.check(beside, difference)
        contestant.check_again()
        outside = done_outside(contestant.outside_seconds, beside.outside_seconds, found)
        return held_to_all(*with_time_outside(found, rounds, outside, knows_waits), everything=knows_waits)
    finally:
        contestant.kill()
        beside.kill()


def with_time_outside(
    found: Timing, rounds: Sequence[np.ndarray], outside: float, everything: bool = False
) -> tuple[Timing, Sequence[np.ndarray]]:
    """Return a timing, and the calls ``[repeats, 2, 2]`` of its rounds, with what each of the program takes besides.

    ``everything`` says whether all calls count.
    """
    if not outside:
        return found, rounds
    more = [calls + np.array([[outside], [0.0]]) for calls in rounds]
    times = np.array([whole(calls) if everything else typical(calls) for calls in more])
    return timing_of(times, found.first, found.valid, everything=everything), more


def done_outside(own: Sequence[Sequence[float]], other: Sequence[Sequence[float]], found: Timing) -> float:
    """Return the seconds that a program takes outside the clock more than its parent, which are part of its call.

    Args:
        own: of the program, by process and call, the time that it had before the clock and after it.
        other: of its parent.
        found: what was found of the calls themselves.

    Before the clock a process wakes up and its random numbers get a seed, after it the other maps are brought into
    plain integers: the same for all. A program that does more then, such as making the maps when they are read, does
    not have it for nothing. Little, or what chance explains, is 0.
    """
    parents = np.median(found.wall) / found.ratio.value
    means = [np.array([np.mean(process) for process in side if len(process)]) for side in (own, other)]
    number = min(map(len, means))
    if number < FEWEST:
        return 0.0
    more = means[0][-number:] - means[1][-number:]  # a mean, as in the clock: it may do more in some calls alone
    found_so = [
        (float(np.median(more)), stats.wilcoxon(more, alternative="greater").pvalue),
        (float(np.mean(more)), stats.ttest_1samp(more, 0.0, alternative="greater").pvalue),  # or in some processes
    ]
    return max((value for value, p in found_so if value > OUTSIDE * parents and p < ALPHA), default=0.0)


def _blameless(prepare: Prepare) -> Prepare:
    """Return the parent's rounds, its failures being nobody else's."""

    def guarded(action: Callable[[], Any]) -> Any:
        try:
            return action()
        except Invalid as error:
            raise ParentFailed(error) from None

    def ready(round_number: int) -> Callable[[], object]:
        call = guarded(lambda: prepare(round_number))
        return lambda: guarded(call)

    return ready
