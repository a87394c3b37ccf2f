"""Runs a plan: what is there is skipped, quality first, then time; every cell is written as soon as it is measured.

Quality may be measured by several processes at once, those that a launcher starts or another sweep into the same
folder; each claims a cell before it measures it. Time is measured by one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cache
from itertools import groupby, pairwise
from threading import Event, Thread
from typing import Any, TypeVar

from eplb_variants.errors import EplbError
from evaluator.config.launching import launch
from evaluator.progress import Progress, Silent
from evaluator.results.claims import Claims
from evaluator.results.machine import describe_machine
from evaluator.results.store import Store
from evaluator.sweep.cell import Cell
from evaluator.sweep.identity import digest, timing_identity, variant_identity
from evaluator.sweep.measure import LastWindows, Outcome, block_order, measure_quality, measure_time, name_of
from evaluator.sweep.plan import Plan

WAIT_SECONDS = 0.2
"""Between two looks at what other processes are doing."""
SHARES = 16
"""Parts that a sweep is cut into for a launcher, at most: enough that workers end at about the same time, and few, for
each costs a quarter of a second."""
WATCH = "ends with its parent"
"""Name of the thread that does so."""
TIME = "time"
"""The share that takes the times: one job, so that nothing of ours runs beside it."""
_T = TypeVar("_T")


def run(plan: Plan, progress: Progress | None = None) -> Outcome:
    """Carry out a plan and return what became of it.

    Raises:
        EplbError: a workload cannot be read or results cannot be written; said before anything is measured where
            that can be known before.
    """
    progress = progress or Silent()
    store = Store(plan.folder)
    store.prepare()
    cells = sorted({cell.key: cell for cell in plan.cells}.values(), key=block_order)
    outcome = Outcome(plan.folder, [store.path(cell.key) for cell in cells])
    work = Work(plan, timing_key(plan))
    state = {cell.key: work.state(cell, store) for cell in cells}
    missing = [cell for cell in cells if not state[cell.key][0]]
    untimed = [cell for cell in cells if not state[cell.key][1]]
    progress.start("cells", len(missing) + len(untimed))
    if plan.launcher:
        _launch(work, missing, untimed, store, outcome, progress)
    else:
        with closing(Claims(plan.folder)) as claims:
            hands = Hands(work, store, claims, outcome, progress.step)
            hands.measure(missing)
            hands.take_times(untimed)
    outcome.cached = sum(all(state[cell.key]) for cell in cells)
    return outcome


def timing_key(plan: Plan) -> str | None:
    """Return the hash of how a plan takes times; None where it takes none."""
    if plan.measure == "quality":
        return None
    return digest(asdict(plan.timing), variant_identity(plan.reference), timing_identity(), describe_machine())


@dataclass(frozen=True)
class Work:
    """What is to be done, in whichever process."""

    plan: Plan
    timing_key: str | None

    def state(self, cell: Cell, store: Store) -> tuple[bool, bool]:
        """Return whether the quality and the time of a cell are as the plan wants them; what it wants anew is not."""
        quality, timed = store.done(cell.key, self.timing_key)
        refresh, measure = self.plan.refresh, self.plan.measure
        return quality and not (refresh and measure != "time"), self.timing_key is None or (timed and not refresh)


@dataclass
class Hands:
    """A process at work on cells, beside others perhaps.

    Args:
        work: what is to be done.
        store: where results go.
        claims: of this process.
        outcome: what it did.
        done: told of each cell that is done.
    """

    work: Work
    store: Store
    claims: Claims
    outcome: Outcome
    done: Callable[[str], None]

    def measure(self, cells: Sequence[Cell]) -> None:
        """Measure the quality of cells, but those that another process has measured meanwhile."""
        windows = LastWindows()

        def one(cell: Cell, waited: bool) -> None:
            if not (self._trusts_others(waited) and self.store.done(cell.key, None)[0]):
                measure_quality(cell, windows, self.store, self.outcome)
            self.done(name_of(cell))

        self._claiming(cells, lambda cell: cell.key, one)

    def take_times(self, cells: Sequence[Cell]) -> None:
        """Take the times of cells whose quality was measured, a block at a time; not of those timed meanwhile."""
        plan, windows = self.work.plan, LastWindows()
        key = self.work.timing_key

        def one(block: list[Cell], waited: bool) -> None:
            good = [cell for cell in block if self.store.done(cell.key, None)[0]]
            if self._trusts_others(waited):
                good = [cell for cell in good if not self.store.done(cell.key, key)[1]]
            if good and key is not None:
                measure_time(good, plan.reference, plan.timing, key, windows, self.store, self.outcome)
            for cell in block:
                self.done(name_of(cell))

        blocks = [list(block) for _, block in groupby(sorted(cells, key=block_order), key=block_order)]
        self._claiming(blocks, lambda block: f"time {block_order(block[0])}", one)

    def _trusts_others(self, waited: bool) -> bool:
        """Return whether what is there now will do; where all is wanted anew, only what came while we waited."""
        return waited or not self.work.plan.refresh

    def _claiming(self, items: Iterable[_T], claim_of: Callable[[_T], str], do: Callable[[_T, bool], None]) -> None:
        """Do something with each item while it is claimed; what others have claimed comes later."""
        left, waited = list(items), False
        while left:
            taken = []
            for item in left:
                with self.claims.claim(claim_of(item)) as ours:
                    if ours:
                        do(item, waited)
                    else:
                        taken.append(item)
            left, waited = taken, True
            if left:
                time.sleep(WAIT_SECONDS)


@dataclass(frozen=True)
class Share:
    """A part of a sweep, as a launcher's process carries it out: called with the number of the part.

    Args:
        work: what is to be done.
        parts: whose quality is measured, by number.
        untimed: cells whose times are taken.
        starter: the process that starts the launcher; some launchers work in it instead of in others.
    """

    work: Work
    parts: tuple[tuple[Cell, ...], ...]
    untimed: tuple[Cell, ...]
    starter: int

    def __call__(self, number: str) -> Outcome:
        """Measure one part, or take all times, and return what was done."""
        if os.getpid() != self.starter:
            _end_with_parent()
        store = Store(self.work.plan.folder)
        outcome = Outcome(store.folder)
        with closing(Claims(store.folder)) as claims:
            hands = Hands(self.work, store, claims, outcome, lambda name: None)
            if number == TIME:
                hands.take_times(self.untimed)
            else:
                hands.measure(self.parts[int(number)])
        return outcome


@cache
def _end_with_parent() -> None:
    """End this process soon after the one that waits for it has ended, however that ended.

    The workers of a sweep that was killed would else go on to the end of their parts, which nobody asked for any more.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WAIT_SECONDS)
        os._exit(1)  # as if it had been killed, too: at most the cell in progress is lost

    Thread(target=watch, name=WATCH, daemon=True).start()


def _launch(
    work: Work,
    missing: Sequence[Cell],
    untimed: Sequence[Cell],
    store: Store,
    outcome: Outcome,
    progress: Progress,
) -> None:
    """Let a launcher's processes measure the cells, then one more take the times."""
    num_parts = min(SHARES, len(missing))
    ends = [len(missing) * number // max(num_parts, 1) for number in range(num_parts + 1)]
    parts = tuple(tuple(missing[first:last]) for first, last in pairwise(ends))  # of neighbours, which share windows
    share, errors = Share(work, parts, tuple(untimed), os.getpid()), []
    for numbers in ([str(number) for number in range(len(parts))], [TIME] if untimed else []):
        if not numbers:
            continue
        with _Watching(store, untimed if numbers == [TIME] else missing, progress):
            for done in launch(share, numbers, work.plan.launcher, work.plan.folder):
                if isinstance(done, Outcome):
                    outcome.add(done)
                else:
                    errors.append(done)
    if errors:
        raise EplbError(f"{len(errors)} jobs of the launcher failed; what was measured is kept: {errors[0]}")


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
