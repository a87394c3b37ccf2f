"""How programs are judged, and how that follows from the plan of a command."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from eplb_variants.errors import EplbError
from evaluator.analysis.score import Score
from evaluator.candidates.sandbox.limits import Limits
from evaluator.sweep.plan import Plan
from evaluator.sweep.stratum import Stratum
from evaluator.sweep.suite import HELD_OUT, TRAINING, Suite
from evaluator.timing.settings import TimingSettings

MOST_TRACES = 100_000
"""Of a part."""
TRACES, HELD_OUT_TRACES = 10, 20
"""Traces of the training and of the held-out part, where no suite says which: so many that a true gain of .003 is found
and confirmed, and that of a hundred equals no more than a few are called better (``eplb bench truth``)."""


@dataclass(frozen=True)
class Settings:
    """How programs are judged.

    Attributes:
        training: what they place, and get their verdict on; one stratum or more.
        held_out: what confirms a ``better``; there may be none.
        suite: name of the suite that both are from; None where their traces were drawn.
        score: by which formula programs are scored, on the training part.
        timing: how they are timed, on the first stratum; None for not at all.
        limits: what they may use.
        isolation: ``auto`` or ``none``.
        jobs: programs tried beside each other; timing is never shared.
        drawn: whether the traces are those of this command alone, and verdicts hold for others as well.
        strict: whether hard loads on other topologies than the one asked for decide too.
    """

    training: tuple[Stratum, ...]
    held_out: tuple[Stratum, ...]
    suite: str | None
    score: Score
    timing: TimingSettings | None
    limits: Limits
    isolation: str = "auto"
    jobs: int = 1
    drawn: bool = False
    strict: bool = False

    @property
    def identity(self) -> list[Any]:
        """What determines a verdict, but the programs and the code, as plain values."""
        strata = [
            [stratum.identity[:2], len(stratum.seeds)] if self.drawn else stratum.identity
            for part in self.parts.values()
            for stratum in part
        ]
        return [
            self.suite,
            [len(part) for part in self.parts.values()],
            strata,
            asdict(self.limits),
            self.score.formula,
            self.isolation,
            self.strict,
        ]

    @property
    def parts(self) -> dict[str, tuple[Stratum, ...]]:
        """The training and the held-out part, by name."""
        return {"training": self.training, "held_out": self.held_out}

    @property
    def workload_name(self) -> str:
        """The workloads of the training part, by name."""
        return _named(stratum.workload.name for stratum in self.training)

    @property
    def topology_name(self) -> str:
        """The topologies of the training part, by name."""
        return _named(stratum.topology_name for stratum in self.training)


def _named(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


@dataclass(frozen=True)
class Choices:
    """What may be chosen beside a plan.

    Attributes:
        seed: what the traces of a synthetic workload are drawn from; where None, a secret that is drawn for this
            command alone, so that nothing that a program learned of its traces is of use for another.
        limits: what a program may use.
        isolation: ``auto`` confines programs, ``none`` runs them as they are.
        jobs: programs tried beside each other, above 0; timing is never shared.
        traces: of the training part, 1 or more; where None, ``TRACES``. A workload that no seed changes is one trace,
            and nothing of it is held out.
        held_out: traces of the held-out part, 0 or more; where None, ``HELD_OUT_TRACES``.
        strict: whether a program must pass hard loads on other topologies than the one asked for, too.
    """

    seed: int | None = None
    limits: Limits = field(default_factory=Limits)
    isolation: str = "auto"
    jobs: int = 1
    traces: int | None = None
    held_out: int | None = None
    strict: bool = False


def settings_of(plan: Plan, choices: Choices | None = None) -> Settings:
    """Return how to judge on the suite of a plan, or on its first workload and topology, by its score and timing.

    Args:
        plan: of a command whose sections are those of ``eplb evaluate``.
        choices: beside the plan; the usual ones if None.

    Raises:
        EplbError: a number is out of its range, or a suite says otherwise.
    """
    choices = choices or Choices()
    training, held_out = _of_suite(plan.suite, choices) if plan.suite else _drawn(plan, choices)
    return Settings(
        training,
        held_out,
        suite=plan.suite.name if plan.suite else None,
        score=plan.score,
        timing=None if plan.measure == "quality" else plan.timing,
        limits=choices.limits,
        isolation=choices.isolation,
        jobs=choices.jobs,
        drawn=plan.suite is None and choices.seed is None,
        strict=choices.strict,
    )


Parts = tuple[tuple[Stratum, ...], tuple[Stratum, ...]]
"""The training and the held-out part."""


def _of_suite(suite: Suite, choices: Choices) -> Parts:
    """Return the parts of a suite, with which no traces can be chosen."""
    if (choices.seed, choices.traces, choices.held_out) != (None, None, None):
        raise EplbError(f"suite={suite.name} says which traces there are: leave out seed, traces and held-out")
    return suite.part(TRAINING), suite.part(HELD_OUT)


def _drawn(plan: Plan, choices: Choices) -> Parts:
    """Return parts whose traces are drawn, of the plan's first workload on its topology."""
    traces = TRACES if choices.traces is None else choices.traces
    held_out = HELD_OUT_TRACES if choices.held_out is None else choices.held_out
    for name, number, least in (("traces", traces, 1), ("held-out", held_out, 0)):
        if not least <= number <= MOST_TRACES:
            words = f"{least} or more" if number < least else f"{MOST_TRACES:,} at most"
            raise EplbError(f"--{name} is {number}: it must be {words}")
    cell = plan.cells[0]

    def part(seeds: tuple[int, ...]) -> tuple[Stratum, ...]:
        return (Stratum(cell.workload, cell.topology_name, cell.topology, seeds),) if seeds else ()

    if not cell.workload.seeded:
        return part((0,)), ()
    seeds = drawn_seeds(secrets.randbits(128) if choices.seed is None else choices.seed, traces, held_out)
    return part(seeds[0]), part(seeds[1])


def drawn_seeds(secret: int, training: int, held_out: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the seeds of so many traces of each part; more traces of a part begin with the same ones."""
    parts = zip(np.random.SeedSequence(secret).spawn(2), (training, held_out), strict=True)
    first, more = (tuple(int(seed) for seed in part.generate_state(number, np.uint64)) for part, number in parts)
    return first, more
