"""Runs a plan: what is there is skipped, quality first, then time; every cell is written as soon as it is measured."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from eplb_variants import EplbError, Variant
from eplb_variants.errors import UnfitError
from evaluator.cell import Cell, digest, variant_identity
from evaluator.config.plan import Plan
from evaluator.machine import describe_machine
from evaluator.replay import place, replay
from evaluator.results.schema import FAILED, OK, SCHEMA_VERSION, SKIPPED, TIMING_NAMES
from evaluator.results.store import Store
from evaluator.timing import Timing, time_variants
from evaluator.workloads.windows import WindowSequence


class Progress(Protocol):
    """Told of each step, for a bar."""

    def start(self, what: str, total: int) -> None:
        """Begin a pass of ``total`` cells."""

    def step(self, doing: str) -> None:
        """Say that a cell is done, and which."""


class Silent:
    """No progress."""

    def start(self, what: str, total: int) -> None:
        """Do nothing."""

    def step(self, doing: str) -> None:
        """Do nothing."""


@dataclass
class Outcome:
    """What became of a plan.

    Attributes:
        folder: where the results are.
        files: the file of each cell of the plan, whether measured now or before.
        measured: cells whose quality was measured now.
        timed: cells that were timed now.
        cached: cells for which nothing was left to do.
        failed: names of the cells that failed, with the reason.
        skipped: names of the cells whose parts do not fit together, with the reason.
    """

    folder: Path
    files: list[Path] = field(default_factory=list)
    measured: int = 0
    timed: int = 0
    cached: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def run(plan: Plan, progress: Progress | None = None) -> Outcome:
    """Carry out a plan and return what became of it.

    Raises:
        EplbError: a workload cannot be read or results cannot be written; said before anything is measured where
            that can be known before.
    """
    progress = progress or Silent()
    store = Store(plan.folder)
    cells = list({cell.key: cell for cell in plan.cells}.values())
    timing_key = _timing_key(plan) if plan.measure != "quality" else None
    store.prepare()
    outcome = Outcome(plan.folder, [store.path(cell.key) for cell in cells])
    done = {cell.key: _done(cell, plan, store, timing_key) for cell in cells}
    windows = _Windows()

    missing = [cell for cell in cells if not done[cell.key][0]]
    usable = [cell for cell in cells if done[cell.key][0]]
    progress.start("quality", len(missing))
    for cell in sorted(missing, key=_block_order):
        if _measure_quality(cell, windows, store, outcome):
            usable.append(cell)
        progress.step(_name(cell))

    untimed = [cell for cell in usable if timing_key is not None and not done[cell.key][1]]
    progress.start("time", len(untimed))
    for _, block in groupby(sorted(untimed, key=_block_order), key=_block_order):
        _measure_time(list(block), plan, windows, store, timing_key or "", outcome, progress)
    outcome.cached = len(usable) - len({c.key for c in missing + untimed} & {c.key for c in usable})
    return outcome


def _done(cell: Cell, plan: Plan, store: Store, timing_key: str | None) -> tuple[bool, bool]:
    """Return whether the quality and the time of a cell are there; ``refresh`` is of what the plan measures."""
    quality, timed = store.done(cell.key, timing_key)
    return quality and not (plan.refresh and plan.measure != "time"), timed and not plan.refresh


def _block_order(cell: Cell) -> tuple[str, str, int, str]:
    """Cells of a block share a workload, a seed and a topology: they are timed together."""
    return (cell.workload.name, digest(cell.workload.config), cell.seed, cell.topology_name)


def _name(cell: Cell) -> str:
    return f"{cell.variant.name} on {cell.workload.name}, {cell.topology_name}, seed {cell.seed}"


class _Windows:
    """Keeps the windows of the last workload: cells are sorted so that this is enough."""

    def __init__(self) -> None:
        self._key: tuple[str, int] | None = None
        self._windows: WindowSequence | None = None

    def of(self, cell: Cell) -> WindowSequence:
        key = (digest(cell.workload.config, cell.workload.content), cell.seed)
        if self._windows is None or key != self._key:
            self._windows = cell.workload.windows(cell.seed)
            if isinstance(self._windows, np.ndarray):
                self._windows.setflags(write=False)
            self._key = key
        return self._windows


def _measure_quality(cell: Cell, windows: _Windows, store: Store, outcome: Outcome) -> bool:
    """Measure and write a cell; return whether it went well."""
    try:
        windows_WLE = windows.of(cell)
    except EplbError as error:
        return _note(cell, _common(cell), SKIPPED, str(error), store, outcome.skipped)
    common = {**_common(cell, windows_WLE), "status": OK, **_times_kept(store.read(cell.key, TIMING_NAMES))}
    try:
        cell.topology.check_experts(windows_WLE.shape[2])
        with store.writer(cell.key) as write:
            for row in _guarded(replay(cell.variant, windows_WLE, cell.topology)):
                write(common | row)
    except UnfitError as error:
        return _note(cell, common, SKIPPED, str(error), store, outcome.skipped)
    except _VariantFailed as error:
        return _note(cell, common, FAILED, str(error), store, outcome.failed)
    outcome.measured += 1
    return True


class _VariantFailed(Exception):
    """What a variant died of, in words."""


def _guarded(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield rows; whatever the variant does, the other cells go on."""
    try:
        yield from rows
    except UnfitError:
        raise
    except Exception as error:
        raise _VariantFailed(_reason(error)) from None


def _times_kept(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the times that were taken of a cell before: measuring its quality again does not lose them."""
    return {name: rows[0][name] for name in TIMING_NAMES} if rows else {}


def _note(cell: Cell, common: dict[str, Any], status: str, reason: str, store: Store, where: dict[str, str]) -> bool:
    untimed = dict.fromkeys(TIMING_NAMES)
    store.write(cell.key, [{**common, **untimed, "status": status, "reason": reason}])
    where[_name(cell)] = reason
    return False


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, EplbError) else f"{type(error).__name__}: {error}"


def _measure_time(
    block: Sequence[Cell],
    plan: Plan,
    windows: _Windows,
    store: Store,
    timing_key: str,
    outcome: Outcome,
    progress: Progress,
) -> None:
    """Time the cells of a block beside each other and add the times to their files."""
    windows_WLE, topology = windows.of(block[0]), block[0].topology
    timings: dict[str, Timing] = {}
    by_key: dict[str, Variant] = {cell.key: cell.variant for cell in block}
    try:
        place(plan.reference, windows_WLE, 0, topology, None)
        timings = time_variants(by_key, plan.reference, windows_WLE, topology, plan.timing)
    except UnfitError as error:
        where = _name(block[0]).partition(" on ")[2]
        outcome.skipped[f"times on {where}, for the reference {plan.reference.name}"] = str(error)
    except Exception as error:  # quality stays as it was measured
        where = _name(block[0]).partition(" on ")[2]
        outcome.failed[f"times on {where}, beside the reference {plan.reference.name}"] = _reason(error)
    for cell in block:
        if cell.key in timings:
            columns = timing_columns(timings[cell.key], plan.reference.name, timing_key)
            store.amend(cell.key, columns)
            outcome.timed += 1
        progress.step(_name(cell))


def _timing_key(plan: Plan) -> str:
    return digest(asdict(plan.timing), variant_identity(plan.reference), describe_machine())


def timing_columns(timing: Timing, reference: str, timing_key: str) -> dict[str, Any]:
    """Return the columns of a result that say how long a placement takes."""
    quartiles = np.quantile(timing.wall, [0.25, 0.75])
    return {
        "place_seconds": float(np.median(timing.wall)),
        "place_seconds_min": float(timing.wall.min()),
        "place_seconds_iqr": float(quartiles[1] - quartiles[0]),
        "place_cpu_seconds": float(np.median(timing.cpu)),
        "first_place_seconds": timing.first,
        "time_reference": reference,
        "time_ratio": timing.ratio.value,
        "time_ratio_low": timing.ratio.low,
        "time_ratio_high": timing.ratio.high,
        "timing_rounds": timing.ratio.num,
        "timing_valid": timing.valid,
        "timing_key": timing_key,
    }


def _common(cell: Cell, windows_WLE: WindowSequence | None = None) -> dict[str, Any]:
    """Return the columns that are the same for all windows of a cell; without its shape where it has no windows."""
    shape = (None, None, None) if windows_WLE is None else windows_WLE.shape
    return {
        "schema_version": SCHEMA_VERSION,
        "cell": cell.key,
        "variant": cell.variant.name,
        "workload": cell.workload.name,
        "workload_content": cell.workload.identity,
        "topology": cell.topology_name,
        "seed": cell.seed,
        "window": 0,
        "num_windows": shape[0],
        "interval": cell.workload.config["interval"],
        "num_layers": shape[1],
        "num_experts": shape[2],
        **asdict(cell.topology),
        "variant_config": json.dumps(cell.variant.config, sort_keys=True),
        "workload_config": json.dumps(dict(cell.workload.config), sort_keys=True),
        "machine": describe_machine(),
        "version": version("eplb-lab"),
        "measured_at": datetime.datetime.now(datetime.UTC),
    }
