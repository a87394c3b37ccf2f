"""Hard loads: those of the topology asked for decide whether a program is valid; others, whether it is portable.

Shapes: L layers, E logical experts.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eplb_variants import Topology
from eplb_variants.hard_loads import EXPERTS, TOPOLOGIES, hard_loads
from eplb_variants.loads import FloatArray
from evaluator.candidates.judging.asking import Process, question
from evaluator.candidates.judging.checks import Invalid, in_time
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.pool import Sandbox

LAYERS = (3, 9)
"""Layers of loads on other topologies: drawn from 3 to 8, so that their shape tells nothing."""
ELSEWHERE = ("mild", "all zero")
"""Kinds of load on other topologies."""
TIMES = (1, 4)
"""Times as many experts and slots as the shared cases have, drawn from 1 to 3."""


class Passed(NamedTuple):
    """What became of the hard loads of a program that is valid.

    Attributes:
        loads: how many it passed: of its own topology, and of others.
        fails_on: names of other topologies on which it fails.
    """

    loads: int
    fails_on: tuple[str, ...]


def pass_hard_loads(asker: Asker, shape: tuple[int, int], topology: Topology, *, strict: bool = False) -> Passed:
    """Return how a program does on hard loads; Invalid where it fails one that decides.

    Args:
        asker: of the program.
        shape: ``[L, E]`` of the workload.
        topology: the one asked for: its hard loads, of the workload's shape, decide.
        strict: whether those on other topologies decide too.
    """
    loads = hard_loads(*shape)
    for name, load_LE in loads.items():
        failure = asker.failure([load_LE], topology, name)
        if failure is not None:
            raise failure
    fails_on = []
    for name, other in TOPOLOGIES.items():
        machine, num_experts = asker.larger(name, other)
        kinds = hard_loads(asker.layers(), num_experts)
        failure = asker.failure([kinds[kind] for kind in ELSEWHERE], machine, name)
        if failure is not None and strict:
            raise failure
        if failure is not None:
            fails_on.append(name)
            if failure.timed_out:
                break
    return Passed(len(loads) + len(ELSEWHERE) * (len(TOPOLOGIES) - len(fails_on)), tuple(fails_on))


class Asker:
    """Asks a program about loads in one process, and in another where that failed; it must be ended.

    Args:
        sandbox: where processes come from.
        program: which.
        window_LE: of the workload.
        topology: of the workload.
        deadline: of ``time.monotonic``.
        draw: moved on.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        program: Program,
        window_LE: NDArray[np.generic],
        topology: Topology,
        deadline: float,
        draw: np.random.Generator,
    ) -> None:
        self._draw, self._deadline = draw, deadline
        self._start = partial(Process, sandbox, program, window_LE, topology, draw)
        self._process: Process | None = None

    def failure(self, loads: Iterable[FloatArray], topology: Topology, name: str) -> Invalid | None:
        """Return why the program fails on one of some loads; None where it passes all."""
        try:
            for load_LE in loads:
                in_time(self._deadline)
                self._process = self._process or self._start()
                self._process.answer(question(load_LE, topology, self._draw, name))
        except Invalid as error:
            self.end()
            return error
        return None

    def layers(self) -> int:
        """Return a drawn number of layers."""
        return int(self._draw.integers(*LAYERS))

    def larger(self, name: str, topology: Topology) -> tuple[Topology, int]:
        """Return a topology with a drawn number of times the slots, and so many times the experts."""
        times = int(self._draw.integers(*TIMES))
        gpus = topology.num_gpus * (times if "per GPU" in name else 1)
        return Topology(times * topology.num_slots, topology.num_groups, topology.num_nodes, gpus), times * EXPERTS

    def end(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.end()
            self._process = None
