"""Does the score that a search sees transfer? The order of programs in training, on fresh traces and on recordings.

The programs are the examples' and compositions of this package's stages as they are written out
(``programs/written.py``): what a variant places, its program places. Programs run in this process.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from eplb_variants import Topology, Variant
from eplb_variants.loads import FloatArray
from evaluator.analysis.columns import HEADLINE, METRICS
from evaluator.bench.compositions import Balances, balances, machine_for, recordings
from evaluator.bench.forecasters import INTERVALS
from evaluator.bench.line import Line
from evaluator.bench.programs.trusted import balances_of
from evaluator.bench.programs.written import known_compositions
from evaluator.bench.transfer import DIGITS, Scores, agreement_of, loads
from evaluator.candidates.documents.apply import apply_document
from evaluator.candidates.documents.document import read_document
from evaluator.candidates.program import Program, example_candidates, example_program
from evaluator.progress import Progress
from evaluator.workloads.windows import WindowSequence

APART = METRICS[HEADLINE].floor
"""Balancedness by which two programs must differ, on both loads, for their order to be asked for."""
SAME_ORDER = 0.95

Part = Sequence[tuple[Sequence[WindowSequence], Topology]]
"""By stratum: the windows of its traces, and the machine."""
Places = Callable[[WindowSequence, Topology], Balances]


class Judged(NamedTuple):
    """What programs are chosen by, and fresh traces that this is held against."""

    training: Part
    held_out: Part


def programs() -> dict[str, Places]:
    """Return what places windows, by name: compositions and example programs."""

    def of_variant(variant: Variant) -> Places:
        return lambda windows_WLE, topology: balances(variant, windows_WLE, topology)

    def of_program(program: Program) -> Places:
        return lambda windows_WLE, topology: balances_of(program, windows_WLE, topology)

    written = {variant.name: of_variant(variant) for variant in known_compositions()}
    return written | {program.name: of_program(program) for program in _examples()}


def _examples() -> Iterator[Program]:
    parent = example_program()
    for file in example_candidates():
        document = read_document(file, parent.source, strict=False)
        yield Program(file.stem, apply_document(document, parent.source, "openevolve").program)


def measure_agreement(progress: Progress, ways: Mapping[str, Judged], named: Sequence[str] = ()) -> list[Line]:
    """Return how the order of programs in each training part agrees with that on fresh traces and on recordings.

    Args:
        progress: told of each load.
        ways: to judge programs, by name.
        named: recordings; without any, those that ship and those of the folder ``EPLB_LAB_EXTRA_DATA``.

    Raises:
        EplbError: a recording that is named is not there, or one does not say how many experts a token is routed to.
    """
    placers = programs()
    fresh = {f"{name}, held out": name for name in ways}
    others: dict[str, Part] = {there: ways[name].held_out for there, name in fresh.items()}
    for path in recordings(named):
        for load in loads(str(path), path.stem, INTERVALS):
            others[load.name] = [(load.parts, machine_for(load.parts[0].shape[2]))]
    progress.start("agreement", len(ways) + len(others))

    def scored(name: str, part: Part) -> Scores:
        found = scores_of(placers, part)
        progress.step(name)
        return found

    training = {name: scored(name, way.training) for name, way in ways.items()}
    lines: list[Line] = []
    for name, part in others.items():
        there = scored(name, part)
        for chosen_by, here in training.items():
            wanted = fresh.get(name, chosen_by) == chosen_by  # that of others is shown, and nothing is asked of it
            lines += agreement_of(here, there, f"programs, training part of {chosen_by}", name, wanted)
            lines.append(_apart(here, there, chosen_by, name))
    return lines


def scores_of(placers: Mapping[str, Places], part: Part) -> Scores:
    """Return the mean balancedness of each program, every stratum and every trace in it weighing the same."""
    rows = []
    for place in placers.values():
        strata = [[_means(place(windows, topology)) for windows in traces] for traces, topology in part]
        rows.append(np.mean([np.mean(stratum, axis=0) for stratum in strata], axis=0))
    own_V, next_V = np.round(np.array(rows), DIGITS).T
    return Scores(own_V, next_V)


def _means(found: Balances) -> tuple[float, float]:
    return float(found.own_W.mean()), float(found.next_W.mean())


def _apart(here: Scores, there: Scores, chosen_by: str, load: str) -> Line:
    """Return in how many of the pairs that differ by the floor on both loads the order is the same, on next."""
    same, pairs = pairs_in_order(here.next, there.next)
    share = same / pairs if pairs else float("nan")
    return Line(
        "transfer",
        f"programs, training part of {chosen_by}, next: pairs apart by {APART:g}",
        f"{load}: {same} of {pairs} in the same order",
        100 * share,
        "%",
        target=f"{SAME_ORDER:.0%} or more" if pairs else "",
        met=share >= SAME_ORDER if pairs else None,
    )


def pairs_in_order(one_V: FloatArray, other_V: FloatArray, apart: float = APART) -> tuple[int, int]:
    """Return how many pairs that differ by ``apart`` in both have the same order in both, and how many there are."""
    same = pairs = 0
    for i, j in itertools.combinations(range(len(one_V)), 2):
        first, second = one_V[i] - one_V[j], other_V[i] - other_V[j]
        if min(abs(first), abs(second)) >= apart:
            pairs += 1
            same += int((first > 0) == (second > 0))
    return same, pairs
