"""A line of a benchmark: what was measured, how it compares with what stood beside it, and what was asked for."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluator.analysis.statistics import Estimate
from evaluator.results.machine import describe_machine, own_version
from evaluator.results.schema import INT, REAL, TEXT, Column, arrow_schema
from evaluator.results.store import Store
from evaluator.shown.grid import Grid
from evaluator.shown.words import number

COLUMNS = (
    Column("suite", TEXT, "which benchmark"),
    Column("what", TEXT, "what was measured"),
    Column("size", TEXT, "on what"),
    Column("value", REAL, "median, in the unit"),
    Column("unit", TEXT, "of the value"),
    Column("ratio", REAL, "of the value to what it is compared with, or the reverse, as `against` says"),
    Column("ratio_low", REAL, "lower end of the 95% bootstrap interval over rounds"),
    Column("ratio_high", REAL, "upper end"),
    Column("rounds", INT, "rounds that the ratio rests on"),
    Column("against", TEXT, "what the ratio says"),
    Column("target", TEXT, "what was asked for"),
    Column("met", TEXT, "yes, no, or empty where nothing was asked for"),
    Column("machine", TEXT, "processor, cores, memory, versions, JSON"),
    Column("version", TEXT, "version of eplb-lab"),
    Column("measured_at", TEXT, "when, UTC"),
)


@dataclass(frozen=True)
class Line:
    """A line.

    Args:
        suite: which benchmark.
        what: what was measured.
        size: on what.
        value: in ``unit``; None for a ratio alone.
        unit: of the value.
        ratio: with its interval over rounds; None where nothing stood beside it.
        against: what the ratio says, such as ``times as long as deepseek``.
        target: what was asked for, in words; empty for none.
        met: whether it was reached; None where nothing was asked for.
    """

    suite: str
    what: str
    size: str = ""
    value: float | None = None
    unit: str = ""
    ratio: Estimate | None = None
    against: str = ""
    target: str = ""
    met: bool | None = None

    def columns(self) -> dict[str, Any]:
        """Return the line under the names of ``COLUMNS``."""
        ratio = self.ratio
        return {
            "suite": self.suite,
            "what": self.what,
            "size": self.size,
            "value": self.value,
            "unit": self.unit,
            "ratio": None if ratio is None else ratio.value,
            "ratio_low": None if ratio is None else ratio.low,
            "ratio_high": None if ratio is None else ratio.high,
            "rounds": None if ratio is None else ratio.num,
            "against": self.against,
            "target": self.target,
            "met": "" if self.met is None else "yes" if self.met else "no",
        }


def write(lines: Sequence[Line], folder: Path) -> Path:
    """Write lines to a parquet file of their own, named by the time, and return it."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    common = {"machine": describe_machine(), "version": own_version(), "measured_at": now}
    store = Store(folder, arrow_schema(COLUMNS))
    store.prepare()
    return store.write(now.replace(":", "-").partition("+")[0], [{**line.columns(), **common} for line in lines])


def grid(lines: Sequence[Line]) -> Grid:
    """Return lines as a table."""
    return Grid(
        "",
        ("what", "on", "median", "ratio", "asked for"),
        [(line.what, line.size, _median(line), _ratio(line), _asked(line)) for line in lines],
        frozenset({"what", "on", "asked for"}),
        "",
        (0, 1, 1, 0, 2),
        elsewhere="--json",
    )


def _median(line: Line) -> str:
    return "" if line.value is None else f"{number(line.value, '.4g')} {line.unit}"


def _asked(line: Line) -> str:
    return line.target if line.met is None else f"{line.target}: {'yes' if line.met else 'no'}"


def _ratio(line: Line) -> str:
    return "" if line.ratio is None else f"{line.ratio.text('.3g')} {line.against}"
