"""What happens to one cell, and to the cells of a block beside each other: measured, and written as soon as it is.

It happens in a child process, for a variant may do anything to the process that calls it.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import json
import resource
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eplb_variants import EplbError, Topology, Variant
from eplb_variants.errors import UnfitError, described
from eplb_variants.topology import COUNTS
from evaluator.quality.replay import place, replay
from evaluator.results.log import CellLog, cell_log
from evaluator.results.machine import describe_machine, own_version
from evaluator.results.schema import FAILED, OK, SCHEMA_VERSION, SKIPPED, TIMING_NAMES
from evaluator.results.store import Store
from evaluator.sweep.calls import REFERENCE, Calls, watched
from evaluator.sweep.cell import POOLED, Cell
from evaluator.sweep.child import CLOSED
from evaluator.sweep.identity import digest
from evaluator.timing.callers import Callers, time_callers
from evaluator.timing.columns import timing_columns
from evaluator.timing.memory import place_peak_mib
from evaluator.timing.rounds import time_variants
from evaluator.timing.settings import TimingSettings
from evaluator.workloads.trace import StepsOf
from evaluator.workloads.windows import WindowSequence

LONGEST_REASON = 2000
"""Characters of what an exception says of itself."""


def block_order(cell: Cell) -> tuple[str, str, int, str]:
    """Cells of a block share a workload, a seed and a topology: they are timed together."""
    return (cell.workload.name, digest(cell.workload.config), cell.seed, cell.topology_name)


def name_of(cell: Cell) -> str:
    """Return what a cell is called in messages."""
    return f"{cell.variant.name} on {place_of(cell)}"


def place_of(cell: Cell) -> str:
    """Return what a cell's block is called in messages."""
    return f"{cell.workload.name}, {cell.topology_name}, seed {cell.seed}"


class LastWindows:
    """Keeps the windows of the last workload: cells are sorted so that this is enough."""

    def __init__(self) -> None:
        self._key: tuple[str, int] | None = None
        self._windows: WindowSequence | None = None
        self._steps: StepsOf | None = None

    def of(self, cell: Cell) -> WindowSequence:
        """Return the windows of a cell; EplbError where there are none."""
        return self.with_steps(cell)[0]

    def with_steps(self, cell: Cell) -> tuple[WindowSequence, StepsOf | None]:
        """Return the windows of a cell and what finds the steps of each, None where a window is one."""
        key = (digest(cell.workload.config, cell.workload.content), cell.seed)
        if self._windows is None or key != self._key:
            self._windows, self._steps = cell.workload.with_steps(cell.seed)
            if isinstance(self._windows, np.ndarray):
                self._windows.setflags(write=False)
            self._key = key
        return self._windows, self._steps


class VariantFailed(Exception):
    """Why a variant failed, in words."""


@dataclass
class Measuring:
    """Measures cells, which are known by their numbers, and writes what was measured.

    Args:
        cells: by number.
        store: where results go.
        calls: told of every call of a variant; a cell's number says which.
        reference: what is timed beside all.
        timing: how to time.
        timing_key: the hash of how times are taken; None where none are.
    """

    cells: Sequence[Cell]
    store: Store
    calls: Calls
    reference: Variant
    timing: TimingSettings
    timing_key: str | None
    _windows: LastWindows = field(default_factory=LastWindows)

    def quality(self, number: int) -> dict[str, Any]:
        """Measure and write a cell; what is printed meanwhile stands in its log.

        Returns:
            ``status`` and ``reason`` as they were written, and ``spoiled``: whether the process should not go on.

        Raises:
            EplbError: the results cannot be written.
        """
        cell, began = self.cells[number], time.perf_counter()
        with cell_log(self.store.folder, cell.key, name_of(cell)) as log:
            known = common_columns(cell)
            try:
                windows_WLE, steps = self._windows.with_steps(cell)
            except EplbError as error:
                return self._noted(number, known, log, SKIPPED, error)
            except MemoryError as error:
                _make_room(error)
                return self._noted(number, known, log, FAILED, error)
            known = {**common_columns(cell, windows_WLE), "status": OK, **self._times_kept(cell)}
            variant = watched(cell.variant, self.calls, number)
            try:
                cell.topology.check_experts(windows_WLE.shape[2])
                with _own_errors(), self.store.writer(cell.key) as write:
                    for row in _guarded(replay(variant, windows_WLE, cell.topology, steps)):
                        write(known | row | {"cell_seconds": time.perf_counter() - began})
            except UnfitError as error:
                return self._noted(number, known, log, SKIPPED, error)
            except (VariantFailed, MemoryError) as error:
                _make_room(error)
                return self._noted(number, known, log, FAILED, error.__cause__ or error)
            log.says(OK, f"{len(windows_WLE)} windows")
        return {"status": OK, "reason": None, "spoiled": False}

    def _times_kept(self, cell: Cell) -> dict[str, Any]:
        """Return the times that were taken of a cell before: measuring its quality again does not lose them."""
        rows = self.store.read(cell.key, TIMING_NAMES)
        return {name: rows[0][name] for name in TIMING_NAMES} if rows else {}

    def _noted(
        self, number: int, known: dict[str, Any], log: CellLog, status: str, error: BaseException
    ) -> dict[str, Any]:
        """Write a cell that was not measured, and return what became of it."""
        with self.calls.counted(number):  # putting an error in words is code of the variant's, too
            reason = reason_of(error)
            log.says(status, reason, error if status == FAILED else None)
        note(self.store, self.cells[number], status, reason, known)
        spoiled = isinstance(error, MemoryError) or not isinstance(error, Exception)
        return {"status": status, "reason": reason, "spoiled": spoiled}

    def times(self, numbers: Sequence[int]) -> dict[str, Any]:
        """Time the cells of a block beside each other and add the times to their files.

        Returns:
            ``timed``, how many were; or ``reason`` why none were, with ``status`` ``skipped`` or ``failed`` and
            ``who`` it was that failed: a cell's number, or ``REFERENCE``. And ``spoiled``, as above.

        Raises:
            EplbError: the results cannot be written.
        """
        block = {self.cells[number].key: number for number in numbers}
        first = self.cells[numbers[0]]
        windows_WLE, topology = self._windows.of(first), first.topology
        reference = watched(self.reference, self.calls, REFERENCE)
        variants = {key: watched(self.cells[number].variant, self.calls, number) for key, number in block.items()}
        with cell_log(self.store.folder, times_log(first), f"times on {place_of(first)}") as log:
            try:
                place(reference, windows_WLE, 0, topology, None)
                timings = time_variants(variants, reference, windows_WLE, topology, self.timing)
                callers = self._callers(variants, windows_WLE, topology)
                peaks = {key: place_peak_mib(variant, windows_WLE, topology) for key, variant in variants.items()}
            except BaseException as error:
                _make_room(error)
                status, who = SKIPPED if isinstance(error, UnfitError) else FAILED, self.calls.last().who
                with self.calls.counted(who):
                    reason = reason_of(error)
                    log.says(status, reason, error)
                spoiled = isinstance(error, MemoryError) or not isinstance(error, Exception)
                return {"timed": 0, "status": status, "reason": reason, "who": who, "spoiled": spoiled}
            log.says(OK, f"{len(timings)} variants")
        for key, timing in timings.items():
            about = self.reference.name, self.timing_key or "", callers.get(key), peaks[key]
            columns = timing_columns(timing, self.timing, *about)
            self.store.amend(key, {**columns, "machine": describe_machine()})  # the one that took the times
        return {"timed": len(timings), "status": OK, "reason": None, "who": None, "spoiled": False}

    def _callers(
        self, variants: Mapping[str, Variant], windows_WLE: WindowSequence, topology: Topology
    ) -> dict[str, Callers]:
        """Return what callers of each variant pay, where that is asked for."""
        if not self.timing.callers:
            return {}
        return {key: time_callers(variant, windows_WLE, topology, self.timing) for key, variant in variants.items()}


def times_log(first: Cell) -> str:
    """Return the name of the log of a block's times, by its first cell."""
    return f"times-{first.key}"


def note(store: Store, cell: Cell, status: str, reason: str, known: dict[str, Any] | None = None) -> None:
    """Write a cell that was not measured as one row with the reason.

    Args:
        store: where.
        cell: which.
        status: ``failed`` or ``skipped``.
        reason: a sentence.
        known: its other columns, where they are known already.
    """
    untimed = dict.fromkeys(TIMING_NAMES)
    store.write(cell.key, [{**(known or common_columns(cell)), **untimed, "status": status, "reason": reason}])


def _guarded(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield rows; whatever the variant raises is an error of its own."""
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except UnfitError:
            raise
        except BaseException as error:
            _make_room(error)
            raise VariantFailed from error
        yield row


def _make_room(error: BaseException) -> None:
    """After memory ran out, free what the variant held and lift the limit: what is left to do needs a little."""
    if isinstance(error, MemoryError):
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
        traceback.clear_frames(error.__traceback__)


@contextlib.contextmanager
def _own_errors() -> Iterator[None]:
    """Tell a disk that is full from a variant that closed the file under its writer."""
    try:
        yield
    except EplbError as error:
        if isinstance(error.__context__, OSError) and error.__context__.errno == errno.EBADF:
            raise VariantFailed(CLOSED) from None
        raise


def reason_of(error: BaseException) -> str:
    """Return why a cell failed, in words that a terminal can show."""
    if isinstance(error, MemoryError):
        return described(error).replace(type(error).__name__, "out of memory", 1)
    said = described(error)
    own = isinstance(error, EplbError | VariantFailed)
    return said.partition(": ")[2] or said if own else said


def common_columns(cell: Cell, windows_WLE: WindowSequence | None = None) -> dict[str, Any]:
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
        "suite": cell.suite,
        "part": cell.part,
        "window": 0,
        "num_windows": shape[0],
        "interval": cell.workload.config["interval"],
        "num_layers": shape[1],
        "num_experts": shape[2],
        **{name: getattr(cell.topology, name) for name in COUNTS},
        "alignment": cell.topology.alignment or None,
        "gpu_speeds": json.dumps(cell.topology.relative_speeds.round(6).tolist()) if cell.topology.speeds else None,
        "variant_config": json.dumps(cell.variant.config, sort_keys=True),
        "workload_config": json.dumps(dict(cell.workload.config), sort_keys=True),
        "pooled": bool(cell.workload.config.get(POOLED, True)),
        "overrides": json.dumps(cell.overrides),
        "machine": describe_machine(),
        "version": own_version(),
        "measured_at": datetime.datetime.now(datetime.UTC),
    }
