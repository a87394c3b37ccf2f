"""Whether two programs place alike, and whether one repeats itself: asked on loads that nothing else is asked on.

All programs of a run get the same questions, in the same labels, with the same seeds: some in processes of their own,
the others as decoys among the windows that count, as many as there are, so that a program that differs now and then
shows it. A program that finds out which these are can make itself look like its parent, and gains nothing by it: where
it does better or worse than its parent on the windows that count, it is not alike.

Shapes: L layers, P slots.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eplb_variants import Placement
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


@dataclass(frozen=True, eq=False)
class Twins:
    """What all programs of a run are asked alike.

    Attributes:
        questions: of processes of their own.
        secret: 128 bits that decoys come from.
    """

    questions: tuple[Questions, ...]
    secret: int

    def decoys(self, *where: int) -> np.random.Generator:
        """Return what the decoys of a process are drawn from, by its stratum, window and number."""
        return np.random.default_rng([self.secret, *where])


def twins(strata: Sequence[Stratum], draw: np.random.Generator) -> Twins:
    """Return what programs are asked alike on some strata."""
    return Twins(questions(strata, draw), int.from_bytes(draw.bytes(16)))


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


def mark(placement: Placement) -> bytes:
    """Return what two placements of a question have in common where they are the same, and else not."""
    return hashlib.blake2b(placement.phy2log.tobytes(), digest_size=16).digest()


def same_where_both(some: Mapping[Any, bytes], others: Mapping[Any, bytes]) -> bool:
    """Return whether marks agree for whatever has one on both sides: a slow program is asked about fewer decoys."""
    return all(mark == others.get(key, mark) for key, mark in some.items())


def same(some: Sequence[IntArray], others: Sequence[IntArray]) -> bool:
    """Return whether all placements are the same."""
    return all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))
