"""Measuring one cell, or the cells of a block beside each other, and writing what was measured.

A sweep says which cells; here is what happens to each.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from eplb_variants import EplbError, Variant
from eplb_variants.errors import UnfitError
from evaluator.quality.replay import place, replay
from evaluator.results.log import cell_log
from evaluator.results.machine import describe_machine, own_version
from evaluator.results.schema import FAILED, OK, SCHEMA_VERSION, SKIPPED, TIMING_NAMES
from evaluator.results.store import Store
from evaluator.sweep.cell import Cell
from evaluator.sweep.identity import digest
from evaluator.timing.columns import timing_columns
from evaluator.timing.rounds import Timing, time_variants
from evaluator.timing.settings import TimingSettings
from evaluator.workloads.windows import WindowSequence


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

    def add(self, other: Outcome) -> None:
        """Take over what another process did of the same plan."""
        self.measured += other.measured
        self.timed += other.timed
        self.failed |= other.failed
        self.skipped |= other.skipped


def block_order(cell: Cell) -> tuple[str, str, int, str]:
    """Cells of a block share a workload, a seed and a topology: they are timed together."""
    return (cell.workload.name, digest(cell.workload.config), cell.seed, cell.topology_name)


def name_of(cell: Cell) -> str:
    """Return what a cell is called in messages."""
    return f"{cell.variant.name} on {_place_of(cell)}"


def _place_of(cell: Cell) -> str:
    return f"{cell.workload.name}, {cell.topology_name}, seed {cell.seed}"


class LastWindows:
    """Keeps the windows of the last workload: cells are sorted so that this is enough."""

    def __init__(self) -> None:
        self._key: tuple[str, int] | None = None
        self._windows: WindowSequence | None = None

    def of(self, cell: Cell) -> WindowSequence:
        """Return the windows of a cell; EplbError where there are none."""
        key = (digest(cell.workload.config, cell.workload.content), cell.seed)
        if self._windows is None or key != self._key:
            self._windows = cell.workload.windows(cell.seed)
            if isinstance(self._windows, np.ndarray):
                self._windows.setflags(write=False)
            self._key = key
        return self._windows


def measure_quality(cell: Cell, windows: LastWindows, store: Store, outcome: Outcome) -> bool:
    """Measure and write a cell; return whether it went well. What it printed stands in its log."""
    with cell_log(store.folder, cell.key, name_of(cell)) as log:
        try:
            windows_WLE = windows.of(cell)
        except EplbError as error:
            log.says(SKIPPED, str(error))
            return _note(cell, _common(cell), SKIPPED, str(error), store, outcome.skipped)
        common = {**_common(cell, windows_WLE), "status": OK, **_times_kept(store.read(cell.key, TIMING_NAMES))}
        try:
            cell.topology.check_experts(windows_WLE.shape[2])
            with store.writer(cell.key) as write:
                for row in _guarded(replay(cell.variant, windows_WLE, cell.topology)):
                    write(common | row)
        except UnfitError as error:
            log.says(SKIPPED, str(error))
            return _note(cell, common, SKIPPED, str(error), store, outcome.skipped)
        except _VariantFailed as error:
            log.says(FAILED, str(error), error.__cause__)
            return _note(cell, common, FAILED, str(error), store, outcome.failed)
        log.says(OK, f"{len(windows_WLE)} windows")
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
        raise _VariantFailed(_reason(error)) from error


def _times_kept(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the times that were taken of a cell before: measuring its quality again does not lose them."""
    return {name: rows[0][name] for name in TIMING_NAMES} if rows else {}


def _note(cell: Cell, common: dict[str, Any], status: str, reason: str, store: Store, where: dict[str, str]) -> bool:
    untimed = dict.fromkeys(TIMING_NAMES)
    store.write(cell.key, [{**common, **untimed, "status": status, "reason": reason}])
    where[name_of(cell)] = reason
    return False


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, EplbError) else f"{type(error).__name__}: {error}"


def measure_time(
    block: Sequence[Cell],
    reference: Variant,
    settings: TimingSettings,
    timing_key: str,
    windows: LastWindows,
    store: Store,
    outcome: Outcome,
) -> None:
    """Time the cells of a block beside each other and add the times to their files."""
    where = _place_of(block[0])
    windows_WLE, topology = windows.of(block[0]), block[0].topology
    by_key: dict[str, Variant] = {cell.key: cell.variant for cell in block}
    timings: dict[str, Timing] = {}
    try:
        place(reference, windows_WLE, 0, topology, None)
        timings = time_variants(by_key, reference, windows_WLE, topology, settings)
    except UnfitError as error:
        outcome.skipped[f"times on {where}, for the reference {reference.name}"] = str(error)
    except Exception as error:  # quality stays as it was measured
        outcome.failed[f"times on {where}, beside the reference {reference.name}"] = _reason(error)
    for key, timing in timings.items():
        columns = timing_columns(timing, settings, reference.name, timing_key)
        store.amend(key, {**columns, "machine": describe_machine()})  # the one that took the times
        outcome.timed += 1


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
        "version": own_version(),
        "measured_at": datetime.datetime.now(datetime.UTC),
    }
