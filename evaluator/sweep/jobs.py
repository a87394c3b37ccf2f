"""A sweep in the jobs of a launcher: cut into shares, each measured by a worker in a process of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from threading import Event, Thread
from typing import Any

from eplb_variants.errors import EplbError
from evaluator.config.launching import Capacity, Failure, capacity, launch
from evaluator.progress import Progress
from evaluator.results.store import Store
from evaluator.sweep.cell import Cell
from evaluator.sweep.measure import name_of
from evaluator.sweep.result import SweepResult
from evaluator.sweep.work import Work
from evaluator.sweep.worker import WAIT_SECONDS, Worker

SHARES_A_PROCESS = 4
"""Where processes take one share after the other: enough that they end at about the same time, and few, for each costs
a quarter of a second."""
WATCH = "ends with its parent"
"""Name of the thread that does so."""
TIMES = "times"
"""The share that takes the times: one job, so that nothing of ours runs beside it."""


@dataclass(frozen=True)
class Shares:
    """The shares of a sweep, as a launcher's process carries them out: called with the number of one.

    Args:
        work: what is to be done.
        shares: cells whose quality is measured, by number of the share.
        untimed: cells whose times are taken.
        starter: the process that starts the launcher; some launchers work in it instead of in others.
    """

    work: Work
    shares: tuple[tuple[Cell, ...], ...]
    untimed: tuple[Cell, ...]
    starter: int

    def __call__(self, number: str) -> SweepResult:
        """Measure one share, or take all times, and return what was done."""
        if os.getpid() != self.starter:
            _end_with_parent()
        cells = self.untimed if number == TIMES else self.shares[int(number)]
        result = SweepResult(self.work.plan.folder)
        with Worker(self.work, cells, result, lambda name: None) as worker:
            if number == TIMES:
                worker.take_times(cells)
            else:
                worker.measure(cells)
        return result


@cache
def _end_with_parent() -> None:
    """End this process soon after the one that waits for it has ended, however that ended.

    The workers of a sweep that was killed would else go on to the end of their shares, which nobody asked for any more.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WAIT_SECONDS)
        os._exit(1)  # as if it had been killed, too: at most the cell in progress is lost

    Thread(target=watch, name=WATCH, daemon=True).start()


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
        shares = Shares(replace(work, processes=beside), parts, tuple(untimed), os.getpid())
        with _Watching(store, cells, progress):
            for done in launch(shares, numbers, plan.launcher, plan.folder):
                if isinstance(done, SweepResult):
                    result.add(done)
                else:
                    failures.append(done)
    result.lost += [failure.words for failure in failures if failure.is_lost]
    said = [failure.words for failure in failures if not failure.is_lost]
    if said:
        raise EplbError(f"{len(said)} jobs of the launcher failed; what was measured is kept: {said[0]}")


class _Watching:
    """Tells a bar of the cells that other processes finish: their files are new, or newer than they were."""

    def __init__(self, store: Store, cells: Sequence[Cell], progress: Progress) -> None:
        self._store, self._progress, self._over = store, progress, Event()
        self._left = {cell.key: (name_of(cell), self._changed(cell.key)) for cell in cells}
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: Any) -> None:
        self._over.set()
        self._thread.join()

    def _changed(self, cell: str) -> int:
        try:
            return self._store.path(cell).stat().st_mtime_ns
        except OSError:
            return 0

    def _watch(self) -> None:
        while not self._over.wait(1.0):
            for key, (name, before) in list(self._left.items()):
                if self._changed(key) != before:
                    del self._left[key]
                    self._progress.step(name)
