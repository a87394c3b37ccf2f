"""A trial: a program runs on some traces in processes of its own, and its rows are taken.

A process answers for windows of different traces, and for decoys, in a drawn order (``decoys.py``), each in labels of
its own (``asking.py``). No process sees two windows of one trace, windows of a trace are asked about in their order,
and nothing is asked about twice. So nothing that is kept from one call is of use for another, in this process or in
any; and a call that is judged cannot be told from one that is timed.
Shapes: W windows, L layers, E logical experts.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from eplb_variants import Placement, Topology
from eplb_variants.loads import FloatArray
from evaluator.candidates.judging.alike import Marks, Twins, Where, mark, repeats
from evaluator.candidates.judging.alike import twins as drawn_twins
from evaluator.candidates.judging.asking import Process, Question, in_own_labels, question
from evaluator.candidates.judging.checks import in_time
from evaluator.candidates.judging.decoys import Asked, asked_about
from evaluator.candidates.judging.hard import Asker, Passed, pass_hard_loads
from evaluator.candidates.judging.stages import FIRST, is_hopeless
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.quality.replay import replay
from evaluator.sweep.stratum import Stratum

LOADS = 5
"""Loads that a process is asked about; fewer of a program that takes long."""
SLOW_SECONDS = 1.0
"""CPU seconds of a process after which it is asked about no more: so slow a program has one for each window, and is
timed by one call."""
TURNS = 2
"""Processes that take turns."""


@dataclass(frozen=True, eq=False)
class Replay:
    """What a program did on a trace.

    Attributes:
        rows: a row of metrics per window, under the names of the results' columns.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)


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
        marks: of its placements for what its parent was asked about too.
        repeats: whether it placed some loads once more as it did, with other random numbers; None where it was given
            up.
        passed: what became of the hard loads.
        seconds: wall time of its quickest answer to a window that counts.
        given_up: whether the first windows were so bad that it was not asked about the others.
        has_maps: whether it returned the other maps with each placement.
    """

    replays: Replays
    marks: Marks
    repeats: bool | None
    passed: Passed
    seconds: float
    given_up: bool = False
    has_maps: bool = True


@dataclass(eq=False)
class _Placed:
    """A program as a variant: what ``replay`` asks for was placed before."""

    name: str = "program"
    summary: str = ""
    windows: int = 1
    dispatcher: None = None
    reactive: None = None
    placements: list[Placement] = field(default_factory=list)
    """Of windows that ``replay`` has not come to yet."""

    def place(self, load: Any, topology: Topology, previous: Placement | None = None) -> Placement:
        return self.placements.pop(0)


class Placed(NamedTuple):
    """What a process was asked about, its checked placement, and the wall time of the answer.

    The placement of a window that counts is in the window's labels, that of a decoy in the question's.
    """

    asked: Asked
    placement: Placement
    seconds: float
    has_maps: bool
    """Whether the other maps came with it."""


class ToAsk(NamedTuple):
    """What a process is asked about, and the question where that is not to be drawn: of a decoy that is shared."""

    asked: Asked
    question: Question | None = None
    must: bool = False
    """Whether a slow program is asked about it, too."""
    of_sibling: bool | None = None
    """Whether it is asked of a process of the sandbox's sibling; drawn if None. It is as the first of its process."""


def place(
    sandbox: Sandbox,
    program: Program,
    asked: Sequence[Sequence[ToAsk]],
    topology: Topology,
    draw: np.random.Generator,
) -> list[list[Placed]]:
    """Return the checked placements of a program by process; Invalid where one is none.

    A fresh process for each list, of the sandbox or of its sibling, drawn which, answers for a load of no use, then for
    what it is asked about. Processes start and
    take turns by twos, and one that is alone is left stopped for as long, so that as much time passes between two
    answers as where a program is timed.
    """
    found: list[list[Placed]] = [[] for _ in asked]
    waiting = deque(enumerate(asked))
    while waiting:
        together = [waiting.popleft() for _ in range(min(TURNS, len(waiting)))]
        left = _in_turns(sandbox, program, together, topology, draw, found)
        waiting.extendleft((number, [one]) for number, one in reversed(left))
    return found


def _in_turns(
    sandbox: Sandbox,
    program: Program,
    together: Sequence[tuple[int, Sequence[ToAsk]]],
    topology: Topology,
    draw: np.random.Generator,
    found: list[list[Placed]],
) -> list[tuple[int, ToAsk]]:
    """Add what some processes, known by their numbers, answer in turns, and return what a slow program was not asked.

    All have started when the first of them is asked. Where the program is slow, decoys are left out, and each window
    that is left is to have a process of its own.
    """
    left: list[tuple[int, ToAsk]] = []
    with contextlib.ExitStack() as stack:
        turns = []
        for number, asked in together:
            of_sibling = asked[0].of_sibling
            origin = sandbox.drawn(draw) if of_sibling is None else sandbox.sibling if of_sibling else sandbox
            process = Process(origin, program, asked[0].asked.load_LE, topology, draw)
            stack.callback(process.end)
            turns.append((number, process, deque(asked)))
        alone = len(turns) == 1
        if alone:
            time.sleep(turns[0][1].start_seconds)
        while any(rest for _, _, rest in turns):
            for number, process, rest in turns:
                if not rest:
                    continue
                placed = answered(process, rest.popleft(), topology, draw)
                found[number].append(placed)
                if alone:
                    time.sleep(placed.seconds)
                if rest and process.cpu_seconds() > SLOW_SECONDS:
                    left += [(number, one) for one in rest if one.asked.counts or one.must]
                    rest.clear()
    return left


def answered(process: Process, asked: ToAsk, topology: Topology, draw: np.random.Generator) -> Placed:
    """Return what a process answers."""
    one, about = asked.asked, asked.question
    about = about or question(one.load_LE, topology, draw)
    process.make_ready(about)
    began = time.perf_counter()
    process.ask()
    seconds = time.perf_counter() - began
    placement = process.finish()
    return Placed(
        one, in_own_labels(placement, about.order_LE) if one.counts else placement, seconds, process.gives_maps
    )


def try_out(
    sandbox: Sandbox,
    program: Program,
    strata: Sequence[Stratum],
    parent: Trial | None = None,
    *,
    twins: Twins | None = None,
    strict: bool = False,
) -> Trial:
    """Return what a program does on the hard loads and on strata; Invalid at the first check that it fails.

    Args:
        sandbox: where processes come from.
        program: which.
        strata: one or more.
        parent: what its parent did on them. A program whose first windows are hopeless beside it is given up.
        twins: what it is asked to see whether it places as its parent does, which was asked the same; drawn if None.
        strict: whether hard loads on other topologies decide too.
    """
    deadline = time.monotonic() + sandbox.limits.total_seconds
    draw = np.random.default_rng(secrets.randbits(128))
    first = strata[0]
    windows_WLE = first.traces[0]
    _, num_layers, num_experts = windows_WLE.shape
    asker = Asker(sandbox, program, windows_WLE[0], first.topology, deadline, draw)
    try:
        passed = pass_hard_loads(asker, (num_layers, num_experts), first.topology, strict=strict)
    finally:
        asker.end()
    twins = drawn_twins(strata, draw) if twins is None else twins
    running = Running(sandbox, program, strata, deadline, twins)
    running.go_on(FIRST)
    given_up = parent is not None and is_hopeless(*(partial(by_trace, one.replays) for one in (running, parent)))
    if given_up:
        return Trial(running.replays, {}, None, passed, running.seconds, given_up)
    running.go_on()
    marks = running.marks
    return Trial(running.replays, marks, repeats(marks), passed, running.seconds, has_maps=running.has_maps)


def replayed(sandbox: Sandbox, program: Program, strata: Sequence[Stratum]) -> Replays:
    """Return what a program that passed the hard loads does on further strata; Invalid where it fails."""
    running = Running(sandbox, program, strata, time.monotonic() + sandbox.limits.total_seconds)
    running.go_on()
    return running.replays


class Running:
    """A program on the traces of some strata: some windows of each first, the others if it is worth it."""

    def __init__(
        self,
        sandbox: Sandbox,
        program: Program,
        strata: Sequence[Stratum],
        deadline: float,
        twins: Twins | None = None,
    ) -> None:
        self._sandbox, self._program, self._deadline, self._twins = sandbox, program, deadline, twins
        self._strata = [_RunningStratum(stratum) for stratum in strata]
        self._draw = np.random.default_rng(secrets.randbits(128))
        self.seconds = float("inf")
        """The wall time of the quickest answer."""
        self.has_maps = True
        """Whether the other maps came with all placements."""
        self.marks: dict[Where, bytes] = {}
        """Of the placements of what other programs are asked about too."""

    @property
    def replays(self) -> Replays:
        """What it did so far."""
        return [running.replays for running in self._strata]

    @property
    def windows(self) -> int:
        """How many windows the longest trace has: so often can it go on by one."""
        return max(running.stratum.windows for running in self._strata)

    def go_on(self, windows: int | None = None) -> None:
        """Have it place so many further windows of every trace; all that are left where no number is given."""
        for number, running in enumerate(self._strata):
            for window, of_trace in itertools.islice(running.left, windows):
                self._place(running, of_trace, (number, window))

    def _place(self, running: _RunningStratum, of_trace: dict[int, Any], where: tuple[int, int]) -> None:
        """Have it place a window of each trace; as many share a process as that is asked about, drawn which.

        Processes that see whether it places as others do are among these, in an order that is drawn.
        """
        in_time(self._deadline)
        traces, loads = list(of_trace), list(of_trace.values())
        processes = -(-len(loads) // LOADS)
        shared = self._draw if self._twins is None else self._twins.decoys(*where)
        topology = running.stratum.topology
        asked: list[list[ToAsk]] = []
        for counting in np.array_split(shared.permutation(len(loads)), processes):
            about = asked_about(loads, counting.tolist(), LOADS, self._draw, shared)
            questions = {
                one.number: question(one.load_LE, topology, shared)
                for one in sorted(about, key=lambda one: one.number)
                if not one.counts
            }
            asked.append([ToAsk(one, None if one.counts else questions[one.number]) for one in about])
        named: list[Where] = [(*where, process) for process in range(processes)]
        for twin in () if self._twins is None else self._twins.among.get(where, ()):
            named.append(twin.where)
            about_twin = [(Asked(0, False, one.load_LE, number), one) for number, one in twin.asked.items()]
            asked.append([ToAsk(*one, must=True, of_sibling=twin.of_sibling) for one in about_twin])
        order = self._draw.permutation(len(asked)).tolist()
        found = place(self._sandbox, self._program, [asked[i] for i in order], topology, self._draw)
        for i, answers in zip(order, found, strict=True):
            for one, placement, seconds, has_maps in answers:
                self.has_maps &= has_maps
                if one.counts:
                    running.add(traces[one.trace], placement)
                    self.seconds = min(self.seconds, seconds)
                elif self._twins is not None:
                    self.marks[*named[i], one.number] = mark(placement)


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

    def _windows(self) -> Iterator[tuple[int, dict[int, Any]]]:
        """Yield window after window with its number, of each trace that has so many, by the trace's number."""
        traces = self.stratum.traces
        for window in range(self.stratum.windows):
            yield window, {number: trace[window] for number, trace in enumerate(traces) if window < len(trace)}

    def add(self, trace: int, placement: Placement) -> None:
        """Add the placement of the next window of a trace."""
        self._placed[trace].placements.append(placement)
        self.replays[trace].rows.append(next(self._rows[trace]))
