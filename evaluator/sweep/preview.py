"""What a plan would do, before it does it: how many cells, what is there, and about how long it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from evaluator.config.launching import capacity
from evaluator.results.schema import FAILED, OK, SKIPPED
from evaluator.results.store import Store
from evaluator.sweep.cell import Cell
from evaluator.sweep.plan import Plan
from evaluator.sweep.work import Work, timing_key

_Kind = Callable[[str, str], tuple[str, ...]]
ALIKE: tuple[_Kind, ...] = (
    lambda variant, workload: ("variant and workload", variant, workload),
    lambda variant, workload: ("workload", workload),
    lambda variant, workload: ("variant", variant),
    lambda variant, workload: ("run",),
)
"""Of which cells the mean speaks for a cell that was not measured: the first kind of which there are any."""


@dataclass(frozen=True)
class Preview:
    """What a plan would do.

    Attributes:
        cells: how many it has.
        cached: for how many nothing is left to do.
        to_measure: whose quality would be measured.
        to_time: whose times would be taken.
        failed: of those to measure, how many failed before.
        seconds: about how long it takes; None where nothing is known.
        rule: what the estimate is made from, or why there is none.
    """

    cells: int
    cached: int
    to_measure: int
    to_time: int
    failed: int
    seconds: float | None
    rule: str


def preview(plan: Plan) -> Preview:
    """Return what a plan would do; nothing is measured and nothing written.

    The estimate is the mean time of earlier cells of the run, of the same variant and workload where there are any,
    else of the same workload, variant or run; times are taken for about as long as ``timing`` asks for.

    Raises:
        EplbError: the plan names a launcher that cannot be used.
    """
    store, work = Store(plan.folder), Work(plan, timing_key(plan))
    cells = {cell.key: cell for cell in plan.cells}.values()
    state = {cell.key: work.state(cell, store) for cell in cells}
    missing = [cell for cell in cells if not state[cell.key][0]]
    untimed = [cell for cell in cells if not state[cell.key][1]]
    before = _measured(store)
    failed = {row["cell"] for row in before if row["status"] == FAILED}
    jobs = capacity(plan.launcher).jobs if plan.launcher else 1
    seconds, rule = _estimate(plan, missing, untimed, before, jobs)
    return Preview(
        cells=len(cells),
        cached=sum(all(done) for done in state.values()),
        to_measure=len(missing),
        to_time=len(untimed),
        failed=sum(cell.key in failed for cell in missing),
        seconds=seconds,
        rule=rule,
    )


def _measured(store: Store) -> list[dict[str, Any]]:
    """Return the last row of each cell of the run, in a few columns."""
    columns = ["cell", "status", "variant", "workload", "cell_seconds", "place_seconds", "time_ratio"]
    rows = (store.read(path.stem, columns) for path in store.folder.glob("*.parquet"))
    return [of_cell[-1] for of_cell in rows if of_cell and of_cell[-1].keys() >= {"status", "variant", "workload"}]


def _estimate(
    plan: Plan, missing: Sequence[Cell], untimed: Sequence[Cell], before: Sequence[dict[str, Any]], jobs: int
) -> tuple[float | None, str]:
    """Return about how many seconds the work takes, and by which rule; None where no cell was measured yet."""
    if not missing and not untimed:
        return 0.0, "nothing is left to do"
    known: dict[tuple[str, ...], list[float]] = {}
    for row in before:
        if row["status"] in (OK, SKIPPED) and row.get("cell_seconds") is not None:
            for kind in ALIKE:
                known.setdefault(kind(row["variant"], row["workload"]), []).append(row["cell_seconds"])
    if missing and not known:
        return None, "unknown: no cell of this run was measured yet"
    quality = 0.0
    for cell in missing:
        kinds = (kind(cell.variant.name, cell.workload.name) for kind in ALIKE)
        quality += fmean(next(known[kind] for kind in kinds if kind in known))
    pairs = {row["cell"]: row for row in before if row["place_seconds"] and row["time_ratio"]}
    times = sum(_timing_seconds(plan, pairs.get(cell.key)) for cell in untimed)
    rules = ["from earlier cells of this run"] if missing else []
    rules += ["from the settings of timing"] if untimed else []
    shared = min(jobs, len(missing)) or 1
    return quality / shared + times, ", ".join(rules) + (f", {jobs} jobs at once" if jobs > 1 else "")


def _timing_seconds(plan: Plan, row: dict[str, Any] | None) -> float:
    """Return about how long the times of a cell take: its rounds, as long as they were before where that is known."""
    timing = plan.timing
    if row is None:
        return timing.rounds * timing.sample_seconds
    pair = row["place_seconds"] * (1 + 1 / row["time_ratio"])
    taken = pair * timing.repeats_of(pair)
    return float(max(min(timing.rounds * taken, timing.seconds), timing.min_rounds * taken))
