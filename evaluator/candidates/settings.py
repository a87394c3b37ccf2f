"""How programs are judged, and how that follows from the plan of a command."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eplb_variants.errors import EplbError
from evaluator.analysis.score import Score
from evaluator.candidates.sandbox.limits import Limits
from evaluator.sweep.plan import Plan
from evaluator.sweep.stratum import Stratum
from evaluator.sweep.suite import HELD_OUT, TRAINING
from evaluator.timing.settings import TimingSettings

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
    """

    training: tuple[Stratum, ...]
    held_out: tuple[Stratum, ...]
    suite: str | None
    score: Score
    timing: TimingSettings | None
    limits: Limits
    isolation: str = "auto"
    jobs: int = 1

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


def settings_of(
    plan: Plan,
    seed: int | None = None,
    limits: Limits | None = None,
    isolation: str = "auto",
    jobs: int = 1,
    traces: int | None = None,
    held_out: int | None = None,
) -> Settings:
    """Return how to judge on the suite of a plan, or on its first workload and topology, by its score and timing.

    Args:
        plan: of a command whose sections are those of ``eplb evaluate``.
        seed: what the traces of a synthetic workload are drawn from; where None, the seed that is kept in the plan's
            folder, which must exist.
        limits: what a program may use.
        isolation: ``auto`` or ``none``.
        jobs: programs tried beside each other.
        traces: of the training part, 1 or more; where None, ``TRACES``. A workload that no seed changes is one trace,
            and nothing of it is held out.
        held_out: traces of the held-out part, 0 or more; where None, ``HELD_OUT_TRACES``.

    Raises:
        EplbError: a number is out of its range, or a suite says otherwise.
    """
    return Settings(
        *_parts(plan, seed, traces, held_out),
        score=plan.score,
        timing=None if plan.measure == "quality" else plan.timing,
        limits=limits or Limits(),
        isolation=isolation,
        jobs=jobs,
    )


def _parts(
    plan: Plan, seed: int | None, traces: int | None, held_out: int | None
) -> tuple[tuple[Stratum, ...], tuple[Stratum, ...], str | None]:
    """Return the training part, the held-out part and the name of their suite."""
    numbers = {"traces": (traces, TRACES, 1), "held-out": (held_out, HELD_OUT_TRACES, 0)}
    for name, (given, _, least) in numbers.items():
        if given is not None and given < least:
            raise EplbError(f"--{name} is {given}: it must be {least} or more")
    if plan.suite is not None:
        if seed is not None or traces is not None or held_out is not None:
            raise EplbError(f"suite={plan.suite.name} says which traces there are: leave out seed, traces and held-out")
        training, unseen = (tuple(plan.suite.strata[part].values()) for part in (TRAINING, HELD_OUT))
        return training, unseen, plan.suite.name
    cell = plan.cells[0]
    first, more = (usual if given is None else given for given, usual, _ in numbers.values())
    if not cell.workload.seeded:
        return (Stratum(cell.workload, cell.topology_name, cell.topology, (0,)),), (), None
    drawn = drawn_seeds(hidden_seed(plan.folder) if seed is None else seed, first, more)
    training, unseen = (
        (Stratum(cell.workload, cell.topology_name, cell.topology, seeds),) if seeds else () for seeds in drawn
    )
    return training, unseen, None


def drawn_seeds(secret: int, training: int, held_out: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the seeds of so many traces of each part; more traces of a part begin with the same ones."""
    parts = zip(np.random.SeedSequence(secret).spawn(2), (training, held_out), strict=True)
    first, more = (tuple(int(seed) for seed in part.generate_state(number, np.uint64)) for part, number in parts)
    return first, more


def hidden_seed(folder: Path) -> int:
    """Return the seed that is kept in the folder of a run; it is drawn when there is none yet.

    It stands where no program can read it, so that none can make the windows that it will be judged on.
    """
    path = folder / "_seed"
    drawn = folder / f".seed-{secrets.token_hex(8)}"
    drawn.touch(mode=0o600)
    drawn.write_text(str(secrets.randbits(128)), encoding="ascii")
    with contextlib.suppress(FileExistsError):  # there is one already: whole, whoever wrote it
        os.link(drawn, path)
    drawn.unlink()
    return int(path.read_text(encoding="ascii"))
