"""How programs are judged, and how that follows from the plan of a command."""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from eplb_variants import Topology
from evaluator.analysis.score import Score
from evaluator.candidates.sandbox.limits import Limits
from evaluator.sweep.cell import Workload
from evaluator.sweep.plan import Plan
from evaluator.timing.settings import TimingSettings


@dataclass(frozen=True)
class Settings:
    """How programs are judged.

    Attributes:
        workload: what they place, with ``seed``.
        topology: for which machine, by its ``topology_name``.
        score: by which formula they are scored.
        timing: how they are timed; None for not at all.
        limits: what they may use.
        isolation: ``auto`` or ``none``.
        jobs: programs tried beside each other; timing is never shared.
    """

    workload: Workload
    seed: int
    topology_name: str
    topology: Topology
    score: Score
    timing: TimingSettings | None
    limits: Limits
    isolation: str = "auto"
    jobs: int = 1


def settings_of(
    plan: Plan, seed: int | None = None, limits: Limits | None = None, isolation: str = "auto", jobs: int = 1
) -> Settings:
    """Return how to judge on the first workload and topology of a plan, by its score and its way of timing.

    Args:
        plan: of a command whose sections are those of ``eplb evaluate``.
        seed: of a synthetic workload; where None, the seed that is kept in the plan's folder, which must exist.
        limits: what a program may use.
        isolation: ``auto`` or ``none``.
        jobs: programs tried beside each other.
    """
    cell = plan.cells[0]
    return Settings(
        workload=cell.workload,
        seed=hidden_seed(plan.folder) if seed is None else seed,
        topology_name=cell.topology_name,
        topology=cell.topology,
        score=plan.score,
        timing=None if plan.measure == "quality" else plan.timing,
        limits=limits or Limits(),
        isolation=isolation,
        jobs=jobs,
    )


def hidden_seed(folder: Path) -> int:
    """Return the seed that is kept in the folder of a run; it is drawn when there is none yet.

    It stands where no program can read it, so that none can make the windows that it will be judged on.
    """
    path = folder / "_seed"
    drawn = folder / f".seed-{secrets.token_hex(8)}"
    drawn.touch(mode=0o600)
    drawn.write_text(str(secrets.randbelow(2**31)), encoding="ascii")
    with contextlib.suppress(FileExistsError):  # there is one already: whole, whoever wrote it
        os.link(drawn, path)
    drawn.unlink()
    return int(path.read_text(encoding="ascii"))
