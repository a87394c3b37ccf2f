"""Whether two programs place alike, and whether one repeats itself: asked on loads that nothing else is asked on.

All programs of a run get the same questions, in the same labels, with the same seeds: some in processes of their own,
the others as decoys among the windows that count, as many as there are, so that a program that differs now and then
shows it. The processes of their own stand among those of the windows, at hours that are drawn, and take turns with them
(``trial.py``). A program that finds out all the same which these are can make itself look like its parent, and gains
nothing by it: where it does better or worse than its parent on the windows that count, it is not alike.

Shapes: L layers, E logical experts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from eplb_variants import Placement
from evaluator.candidates.judging.asking import SEEDS, Question, question
from evaluator.candidates.judging.decoys import asked_about
from evaluator.sweep.stratum import Stratum

PROCESSES, LOADS = 2, 5
"""Processes for each stratum, and loads that each is asked about."""
Where = tuple[int, ...]
"""What was asked about: stratum, window, process and number of a decoy; or stratum, process and load of a twin."""
Marks = Mapping[Where, bytes]
"""What programs have in common where they place alike, by what was asked about."""
AGAIN = -1
"""In place of a stratum: the process that is asked again what the first one of all is asked, with other seeds."""


class Twin(NamedTuple):
    """A process of its own among those of a window."""

    where: Where
    asked: Mapping[int, Question]
    """By number, in the order in which it is asked."""
    of_sibling: bool | None = None
    """Whether it comes from the sandbox's sibling; None where that is drawn."""


@dataclass(frozen=True, eq=False)
class Twins:
    """What all programs of a run are asked alike.

    Attributes:
        among: processes of their own, by the number of the stratum and of the window among whose processes they are.
        secret: 128 bits that decoys come from.
    """

    among: Mapping[tuple[int, int], Sequence[Twin]]
    secret: int

    def decoys(self, *where: int) -> np.random.Generator:
        """Return what the decoys of a process are drawn from, by its stratum, window and number."""
        return np.random.default_rng([self.secret, *where])


def twins(strata: Sequence[Stratum], draw: np.random.Generator) -> Twins:
    """Return what programs are asked alike on some strata: about loads like windows of each, decoys that count."""
    among: dict[tuple[int, int], list[Twin]] = {}
    for number, stratum in enumerate(strata):
        for process in range(PROCESSES):
            window = int(draw.integers(stratum.windows))
            loads = [trace[window] for trace in stratum.traces if window < len(trace)]
            decoys = asked_about(loads, (), LOADS, draw)
            asked = dict(enumerate(question(one.load_LE, stratum.topology, draw) for one in decoys))
            twin = Twin((number, process), asked)
            if number == process == 0:  # asked again of the sandbox's sibling, whose interpreter drew otherwise
                another = int(draw.integers(stratum.windows))
                again = Twin((AGAIN, 0), _otherwise(asked, draw), of_sibling=True)
                among.setdefault((0, another), []).append(again)
                twin = twin._replace(of_sibling=False)
            among.setdefault((number, window), []).append(twin)
    return Twins(among, int.from_bytes(draw.bytes(16)))


def _otherwise(asked: Mapping[int, Question], draw: np.random.Generator) -> dict[int, Question]:
    """Return the same questions with other random numbers, each in another call of the process than before."""
    numbers, turned = [*asked], int(draw.integers(1, len(asked)))
    return {
        number: asked[number]._replace(seed=(asked[number].seed + int(draw.integers(1, SEEDS))) % SEEDS)
        for number in numbers[turned:] + numbers[:turned]
    }


def repeats(marks: Marks) -> bool:
    """Return whether a program placed as before when it was asked again, with other seeds by another interpreter."""
    again = {(0, *where): mark for (first, *where), mark in marks.items() if first == AGAIN}
    return all(marks[where] == mark for where, mark in again.items())


def mark(placement: Placement) -> bytes:
    """Return what two placements of a question have in common where they are the same, and else not."""
    return hashlib.blake2b(placement.phy2log.tobytes(), digest_size=16).digest()


def same_where_both(some: Marks, others: Marks) -> bool:
    """Return whether marks agree for whatever has one on both sides: a slow program is asked about fewer decoys.

    What was asked again is not compared: a program that draws need not draw as its parent does.
    """
    return all(mark == others.get(where, mark) for where, mark in some.items() if where[0] != AGAIN)
