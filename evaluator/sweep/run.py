"""Carries out a plan: what is there is skipped, quality first, then time; each cell is written when it is measured.

Quality may be measured by several processes at once, those that a launcher starts or another sweep into the same
folder; each claims a cell before it measures it. Time is measured by one.
"""

from __future__ import annotations

from collections.abc import Iterable

from evaluator.progress import Progress, Silent
from evaluator.results.store import Store
from evaluator.sweep.cell import Cell
from evaluator.sweep.jobs import run_in_jobs
from evaluator.sweep.measure import block_order
from evaluator.sweep.plan import Plan
from evaluator.sweep.result import SweepResult
from evaluator.sweep.work import Work, timing_key
from evaluator.sweep.worker import Worker


def run(plan: Plan, progress: Progress | None = None) -> SweepResult:
    """Carry out a plan and return what became of it.

    Raises:
        EplbError: a workload cannot be read or results cannot be written; said before anything is measured where
            that can be known before.
    """
    progress = progress or Silent()
    store = Store(plan.folder)
    store.prepare()
    cells = sorted({cell.key: cell for cell in plan.cells}.values(), key=block_order)
    result = SweepResult(plan.folder, [store.path(cell.key) for cell in cells])
    work = Work(plan, timing_key(plan))
    state = {cell.key: work.state(cell, store) for cell in cells}
    missing = [cell for cell in cells if not state[cell.key][0]]
    untimed = [cell for cell in cells if not state[cell.key][1]]
    for sentence in (*read_workloads([*missing, *untimed]), *_remarks(missing)):
        progress.say(sentence)
    if plan.suite is not None:
        plan.suite.check([*missing, *untimed])
    progress.start("cells", len(missing) + len(untimed))
    if plan.launcher:
        run_in_jobs(work, missing, untimed, store, result, progress)
    elif missing or untimed:
        with Worker(work, cells, result, progress.step) as worker:
            worker.measure(missing)
            worker.take_times(untimed)
    result.cached = sum(all(state[cell.key]) for cell in cells)
    return result


def read_workloads(cells: Iterable[Cell]) -> list[str]:
    """Read the workloads of cells that are read, each once, and return a line on each.

    Raises:
        UnusableWorkload: one cannot be used.
    """
    workloads = {cell.workload.identity: cell.workload for cell in cells}
    lines = (workload.what_is_read() for workload in workloads.values())
    return [f"read {line}" for line in lines if line is not None]


def _remarks(cells: Iterable[Cell]) -> list[str]:
    """Return what variants have to say of the topologies that they are evaluated on, each sentence once."""
    pairs = {(id(cell.variant), cell.topology): cell for cell in cells}.values()
    return list(dict.fromkeys(r for cell in pairs if (r := cell.variant.remark(cell.topology))))
