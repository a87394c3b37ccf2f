"""A sweep in the jobs of a launcher: cut into shares, each measured by a worker in a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from eplb_variants.errors import EplbError
from evaluator.config.launching import Capacity, Failure, capacity, launch
from evaluator.progress import Progress
from evaluator.results.store import Store
from evaluator.sweep.cell import Cell
from evaluator.sweep.measure import name_of
from evaluator.sweep.result import SweepResult
from evaluator.sweep.watching import Watching
from evaluator.sweep.work import Work
from evaluator.sweep.worker import Worker

SHARES_A_PROCESS = 4
"""Where processes take one share after the other: enough that they end at about the same time, and few, for each costs
a quarter of a second."""
TIMES = "times"
"""The share that takes the times: one job, so that nothing of ours runs beside it."""


@dataclass(frozen=True)
class Shares:
    """The shares of a sweep, as a launcher's process carries them out: called with the number of one.

    Args:
        work: what is to be done.
        shares: cells whose quality is measured, by number of the share.
        untimed: cells whose times are taken.
    """

    work: Work
    shares: tuple[tuple[Cell, ...], ...]
    untimed: tuple[Cell, ...]

    def __call__(self, number: str) -> SweepResult:
        """Measure one share, or take all times, and return what was done."""
        cells = self.untimed if number == TIMES else self.shares[int(number)]
        result = SweepResult(self.work.plan.folder)
        with Worker(self.work, cells, result, lambda name: None) as worker:
            if number == TIMES:
                worker.take_times(cells)
            else:
                worker.measure(cells)
        return result


def cut(cells: Sequence[Cell], asked: int, can: Capacity) -> tuple[tuple[Cell, ...], ...]:
    """Return cells as shares of neighbours, which have windows in common.

    Args:
        cells: in the order in which they are measured.
        asked: how many shares the user wants; 0 for as many as the launcher can use.
        can: what the launcher can do at once.
    """
    number = min(asked or can.jobs * (SHARES_A_PROCESS if can.reused else 1), len(cells))
    ends = [len(cells) * share // max(number, 1) for share in range(number + 1)]
    return tuple(tuple(cells[first:last]) for first, last in pairwise(ends))


def run_in_jobs(
    work: Work,
    missing: Sequence[Cell],
    untimed: Sequence[Cell],
    store: Store,
    result: SweepResult,
    progress: Progress,
) -> None:
    """Let a launcher's processes measure the cells, then one more take the times; jobs that were lost are noted.

    Raises:
        EplbError: a job said that it cannot go on, for want of disk for instance; what was measured is kept.
    """
    plan = work.plan
    if not missing and not untimed:
        return
    can = capacity(plan.launcher)
    parts = cut(missing, plan.shares, can)
    processes = min(can.jobs, len(parts)) if can.here else 1
    failures: list[Failure] = []
    for numbers, cells, beside in (
        ([str(number) for number in range(len(parts))], missing, processes),
        ([TIMES] if untimed else [], untimed, 1),
    ):
        if not numbers:
            continue
        shares = Shares(replace(work, processes=beside), parts, tuple(untimed))
        with Watching(store, {cell.key: name_of(cell) for cell in cells}, progress):
            for done in launch(shares, numbers, plan.launcher, plan.folder):
                if isinstance(done, SweepResult):
                    result.add(done)
                else:
                    failures.append(done)
    result.lost += [failure.words for failure in failures if failure.is_lost]
    said = [failure.words for failure in failures if not failure.is_lost]
    if said:
        raise EplbError(f"{len(said)} jobs of the launcher failed; what was measured is kept: {said[0]}")
