"""Whether two programs place alike, and whether one repeats itself: asked on loads that nothing else is asked on.

All programs of a run get the same questions, in the same labels, with the same seeds. A program that finds that out can
make itself look like its parent, and gains nothing by it.

Shapes: L layers, P slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eplb_variants.loads import FloatArray, IntArray
from evaluator.candidates.judging.asking import SEEDS, Process, Question, question
from evaluator.candidates.judging.decoys import of_no_use
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.sweep.stratum import Stratum

PROCESSES, LOADS = 2, 5
"""Processes for each stratum, and loads that each is asked about."""


@dataclass(frozen=True, eq=False)
class Questions:
    """What a process is asked.

    Attributes:
        like_LE: a load like those that it is asked about.
        asked: about loads of one topology.
    """

    like_LE: FloatArray
    asked: tuple[Question, ...]

    def otherwise_seeded(self, draw: np.random.Generator) -> Questions:
        """Return the same questions with other random numbers."""
        others = ((one.seed + int(draw.integers(1, SEEDS))) % SEEDS for one in self.asked)
        asked = (one._replace(seed=seed) for one, seed in zip(self.asked, others, strict=True))
        return Questions(self.like_LE, tuple(asked))


def questions(strata: Sequence[Stratum], draw: np.random.Generator) -> tuple[Questions, ...]:
    """Return what programs are asked to see whether they place alike: about loads like windows of each stratum."""
    found = []
    for stratum in strata:
        for _ in range(PROCESSES):
            loads = []
            for _ in range(LOADS):
                windows_WLE = stratum.traces[int(draw.integers(len(stratum.traces)))]
                loads.append(of_no_use(windows_WLE[int(draw.integers(len(windows_WLE)))], draw))
            found.append(Questions(loads[0], tuple(question(load_LE, stratum.topology, draw) for load_LE in loads)))
    return tuple(found)


def placed(sandbox: Sandbox, program: Program, asked: Questions, draw: np.random.Generator) -> list[IntArray]:
    """Return ``phy2log [L, P]`` for each question, in its labels; Invalid where the program fails."""
    process = Process(sandbox, program, asked.like_LE, asked.asked[0].topology, draw)
    try:
        return [process.answer(one).phy2log for one in asked.asked]
    finally:
        process.end()


def same(some: Sequence[IntArray], others: Sequence[IntArray]) -> bool:
    """Return whether all placements are the same."""
    return all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))
