"""A search whose truth is known: of many programs that are equal, how many the judge calls better, and confirms.

The stages of a judgement (``candidates/judging/stages.py``) are asked, on traces drawn as a judge draws them, of
programs that are as good as their parent and of pairs that differ by a known amount. The programs run in this process,
which gives the same placements as the sandbox in less time; a test holds that.

Shapes: L layers, E logical experts, W windows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eplb_variants import Topology
from eplb_variants.loads import FloatArray
from evaluator.analysis.columns import HEADLINE
from evaluator.analysis.statistics import BETTER
from evaluator.bench.compositions import Make
from evaluator.bench.line import Line
from evaluator.bench.programs.equals import better_program, equal_programs
from evaluator.bench.programs.trusted import balances_of
from evaluator.candidates.judging.stages import FIRST, compared, is_confirmed, is_hopeless
from evaluator.candidates.program import Program, example_program
from evaluator.candidates.settings import drawn_seeds
from evaluator.progress import Progress
from evaluator.workloads.windows import WindowSequence

EQUALS = 100
"""Programs of a search."""
PAIRS = 3
"""Pairs that differ by ``GAIN``, for each search."""
GAIN = 0.003
CALLED, SEARCHES_CONFIRMED, FOUND = 5, 0.05, 0.9
"""Asked for: of equals called better in training, at most; of searches that confirm one of them, at most; of true gains
that are confirmed, at least."""

Part = Sequence[WindowSequence]
"""The traces of a part."""


def next_balances(program: Program, traces: Part, topology: Topology) -> list[FloatArray]:
    """Return the balancedness of a program on the next window, by trace: ``[W]`` each, NaN for the last window.

    Only for programs of this project: they run in this process.
    """
    return [np.append(balances_of(program, windows_WLE, topology).next_W, np.nan) for windows_WLE in traces]


@dataclass(frozen=True)
class Judged:
    """What the stages say of a program.

    Attributes:
        given_up: whether it was hopeless on the first windows.
        gain: over its parent, in training.
        better: whether it is called that.
        confirmed: whether it is, on the held-out part; None where it was not asked about that.
    """

    given_up: bool
    gain: float
    better: bool
    confirmed: bool | None


class Bench:
    """The traces of a search, and what a parent comes to on them.

    Args:
        training: traces of the training part.
        held_out: of the held-out part.
        topology: to place on.
        parent: of all programs.
    """

    def __init__(self, training: Part, held_out: Part, topology: Topology, parent: Program) -> None:
        self._parts, self._topology = {"training": training, "held-out": held_out}, topology
        self._parent = {name: next_balances(parent, part, topology) for name, part in self._parts.items()}

    def judge(self, program: Program) -> Judged:
        """Return what the stages say of a program."""
        own, base = self._placed(program, "training"), self._parent["training"]
        if is_hopeless(_values([trace[:FIRST] for trace in own]), _values(base)):
            return Judged(True, float("nan"), False, None)
        found = compared(_values(own), _values(base))
        if found.verdict != BETTER:
            return Judged(False, found.difference.value, False, None)
        unseen = compared(_values(self._placed(program, "held-out")), _values(self._parent["held-out"]))
        return Judged(False, found.difference.value, True, is_confirmed(unseen))

    def _placed(self, program: Program, part: str) -> list[FloatArray]:
        return next_balances(program, self._parts[part], self._topology)


def _values(by_trace: Sequence[FloatArray]) -> Callable[[str], list[list[FloatArray]]]:
    """Return the values of a metric, of which one alone was measured, in one stratum."""
    return lambda name: [list(by_trace) if name == HEADLINE else [np.full_like(one, np.nan) for one in by_trace]]


def measure_search(
    progress: Progress, searches: int, make: Make, topology: Topology, traces: tuple[int, int], equals: int = EQUALS
) -> list[Line]:
    """Return what the judge says of equals in a number of searches, and of pairs that differ by ``GAIN``.

    Args:
        progress: told of each search.
        searches: how many, each with traces of its own.
        make: the traces of the workload ``quick``, by which the pairs' gain is known.
        topology: to place on.
        traces: of the training and the held-out part.
        equals: programs of a search.
    """
    progress.start("searches", searches)
    of_equals: list[list[Judged]] = []
    of_pairs: list[Judged] = []
    for search in range(searches):
        parts = [[make(seed) for seed in seeds] for seeds in drawn_seeds(search, *traces)]
        bench = Bench(parts[0], parts[1], topology, example_program())
        of_equals.append([bench.judge(program) for program in equal_programs(equals, search)])
        for number in range(PAIRS):
            pair = better_program(GAIN, search * PAIRS + number)
            of_pairs.append(Bench(parts[0], parts[1], topology, pair.parent).judge(pair.candidate))
        progress.step(f"search {search}")
    size = f"{searches} searches of {equals} equals, {traces[0]} traces and {traces[1]} held out"
    return [*_lines_on_equals(of_equals, size), _line_on_pairs(of_pairs)]


def _lines_on_equals(searches: Sequence[Sequence[Judged]], size: str) -> list[Line]:
    better = [sum(one.better for one in search) for search in searches]
    confirmed = [sum(bool(one.confirmed) for one in search) for search in searches]
    best = [max(one.gain for one in search if not one.given_up) for search in searches]
    lost = sum(one.given_up for search in searches for one in search)
    share = float(np.mean([number > 0 for number in confirmed]))
    called = float(np.mean(better))
    return [
        Line(
            "search",
            "equals that are called better in training, of a search",
            f"{size}: {max(better)} at most, {lost} given up in all; the best looks better by {np.mean(best):+.4f}",
            called,
            "programs",
            target=f"at most {CALLED}",
            met=called <= CALLED,
        ),
        Line(
            "search",
            "searches of equals that confirm one",
            f"{size}: {sum(confirmed)} confirmed in all",
            100 * share,
            "%",
            target=f"at most {SEARCHES_CONFIRMED:.0%}",
            met=share <= SEARCHES_CONFIRMED,
        ),
    ]


def _line_on_pairs(judged: Sequence[Judged]) -> Line:
    counts: Mapping[str, int] = {
        "better in training": sum(one.better for one in judged),
        "given up": sum(one.given_up for one in judged),
    }
    share = float(np.mean([bool(one.confirmed) for one in judged]))
    said = ", ".join(f"{number} {what}" for what, number in counts.items())
    return Line(
        "search",
        f"programs better by {GAIN} that are called so and confirmed",
        f"{len(judged)} pairs: {said}",
        100 * share,
        "%",
        target=f"{FOUND:.0%} or more",
        met=share >= FOUND,
    )
