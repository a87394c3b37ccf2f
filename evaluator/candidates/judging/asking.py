"""The one way to ask a program: load after load in a process of its own, which is stopped in between.

Whatever a call is for (a hard load, a window that is judged, a decoy, a call under the clock, one that asks whether the
program repeats itself), it goes the same way: the process goes on, its random numbers get a seed that is drawn, it gets
a load in labels that are drawn, it answers, and it is stopped. So it cannot tell one from the other.

Shapes: L layers, E logical experts, P slots.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eplb_variants import Placement, Topology
from eplb_variants.loads import FloatArray, IntArray
from evaluator.candidates.judging.checks import LOADING, WORKLOAD, checked, failed
from evaluator.candidates.judging.decoys import unlike
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.failure import CandidateFailed
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.candidates.sandbox.worker import call_bytes, largest_answer
from evaluator.workloads.renaming import renaming

SEEDS = 1 << 32
"""How many seeds of a program's random numbers there are."""
CACHE_BYTES = 4 << 20
"""Gone through before each call, on the core of the process: more than the caches that a core has to itself."""
PAUSE_SECONDS = 0.001
"""A process is left stopped for a drawn part of this before each call: what the judge does between two calls takes
some tenths of it, and a little more or less where it times."""


class Question(NamedTuple):
    """A load in labels of its own.

    Attributes:
        load_LE: with its experts renamed in every layer.
        order_LE: which expert has which label: label ``e`` of layer ``l`` stands for the expert ``order[l, e]``.
        topology: the machine to place on; its groups stay together.
        name: of the load, where something is wrong with the answer.
        seed: of the program's random numbers.
    """

    load_LE: FloatArray
    order_LE: IntArray
    topology: Topology
    name: str
    seed: int


def question(
    load_LE: NDArray[np.generic], topology: Topology, draw: np.random.Generator, name: str = WORKLOAD
) -> Question:
    """Return a question about ``load [L, E]`` in labels and with a seed that are drawn.

    What a placement is worth does not depend on what its experts are called. So what another process learned of this
    load is of no use: the labels are the judge's.
    """
    plain_LE = np.asarray(load_LE, dtype=float)
    num_layers, num_experts = plain_LE.shape
    order_LE = renaming(num_layers, num_experts, topology, draw)
    renamed_LE = np.take_along_axis(plain_LE, order_LE, axis=1)
    return Question(renamed_LE, order_LE, topology, name, int(draw.integers(SEEDS)))


def in_own_labels(placement: Placement, order_LE: IntArray) -> Placement:
    """Return a placement in the labels that the load had before ``order [L, E]`` renamed its experts."""
    phy2log = np.take_along_axis(order_LE, placement.phy2log, axis=1)
    return Placement(phy2log, placement.rank, placement.num_experts, placement.topology)  # copies keep their numbers


_others = np.zeros(CACHE_BYTES, dtype=np.uint8)


def _lose_caches() -> None:
    """Have other data go through the caches of the core that this thread is on."""
    np.add(_others, 1, out=_others)


class Process:
    """A process with a program, loaded and warmed up by a load of no use to it, stopped whenever it is not asked.

    It is kept on the cores that the calling thread has, which is one, drawn, wherever a candidate is judged or timed.

    It must be ended by ``end``; a process that fails is ended by its failure.

    Args:
        sandbox: where it comes from.
        program: what it runs.
        like_LE: a load ``[L, E]`` of the shape of those that it will be asked about, with as many tokens.
        topology: the machine that it will place on.
        draw: what seeds, labels and the load of no use are drawn from; moved on.

    Raises:
        Invalid: the program does not load, or does not answer for a load of that shape.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        program: Program,
        like_LE: NDArray[np.generic],
        topology: Topology,
        draw: np.random.Generator,
    ) -> None:
        began = time.perf_counter()
        try:
            self._worker = sandbox.load(program.source)
        except CandidateFailed as error:
            raise failed(error, LOADING) from None
        try:
            self._worker.share_core()
            self._worker.pause()
            self._pauses = np.random.default_rng()
            self.answer(question(unlike(like_LE, draw), topology, draw))
        except BaseException:
            self.end()
            raise
        self.start_seconds = time.perf_counter() - began
        """Wall time that loading and the first answer took."""
        self.cpu_at_first = self._worker.cpu_seconds()
        """CPU seconds that loading and the first answer took."""

    def answer(self, asked: Question) -> Placement:
        """Return the checked placement for a question, in the question's labels; Invalid where it is none."""
        self.make_ready(asked)
        self.ask()
        return self.finish()

    def make_ready(self, asked: Question) -> None:
        """Let the process seed its random numbers, and stop it: all but the call of ``ask``.

        Then other data go through the caches of its core: what a program did just before, to be quicker once the load
        comes, is of no use.
        """
        self._asked = asked
        self._payload = call_bytes(asked.load_LE, asked.topology)
        self._largest = largest_answer(asked.load_LE.shape, asked.topology)
        time.sleep(self._pauses.uniform(0, PAUSE_SECONDS))
        began = time.perf_counter()
        self._worker.go_on()
        try:
            self._worker.make_ready(asked.seed)
        except CandidateFailed as error:
            raise failed(error, asked.name) from None
        self.ready_seconds = time.perf_counter() - began
        """Wall time from its going on to its being ready for the call."""
        self._worker.pause()
        _lose_caches()

    def ask(self) -> None:
        """Have the question answered: what a clock sees."""
        self._worker.go_on()
        try:
            self._phy2log = self._worker.ask(self._payload, self._largest)
        except CandidateFailed as error:
            raise failed(error, self._asked.name) from None
        self._answered_at = time.perf_counter()

    def finish(self) -> Placement:
        """Stop the process and return its checked answer, in the question's labels; Invalid where it is none."""
        asked = self._asked
        try:
            answer = self._worker.rest_of(self._phy2log, asked.load_LE.shape, asked.topology)
        except CandidateFailed as error:
            raise failed(error, asked.name) from None
        self.rest_seconds = time.perf_counter() - self._answered_at
        """Wall time from its answer to the other maps being there."""
        self._worker.pause()
        self.gives_maps = answer.logcnt is not None and answer.log2phy is not None
        """Whether its last answer held the other maps, too."""
        return checked(answer, asked.load_LE.shape, asked.topology, asked.name)

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process has used so far; 0 when it has ended."""
        return self._worker.cpu_seconds()

    def waited_seconds(self) -> float:
        """Return how long it waited for a core, less what its own threads may have held up; 0 when it has ended."""
        return self._worker.waited_seconds()

    def end(self) -> None:
        """End the process and all that it started; once is enough."""
        self._worker.kill()


def answers(process: Process, asked: Sequence[Question]) -> list[Placement]:
    """Return the checked placements of a process for some questions, in the labels of the loads, and end it.

    It is left stopped for as long as it took to start and to answer, as where another takes turns with it.
    """
    found = []
    try:
        time.sleep(process.start_seconds)
        for one in asked:
            process.make_ready(one)
            began = time.perf_counter()
            process.ask()
            seconds = time.perf_counter() - began
            found.append(in_own_labels(process.finish(), one.order_LE))
            time.sleep(seconds)
    finally:
        process.end()
    return found
