"""What lies in the folders of runs, by a few columns of the first row of each cell."""

from __future__ import annotations

import datetime
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from eplb_variants.errors import EplbError, unknown
from evaluator.results.schema import SCHEMA_VERSION

COLUMNS = ("schema_version", "cell", "variant", "workload", "status", "place_seconds", "measured_at")
"""Read of each cell; a file without them does not belong to a run."""
TOGETHER = 200
"""Files that one thread reads at a time."""


@dataclass(frozen=True)
class RunOverview:
    """What a run folder holds.

    Attributes:
        folder: of the run.
        cells: how many, by status.
        timed: cells with times.
        variants: their names, sorted.
        workloads: their names, sorted.
        last_measured: when the newest cell was written.
        size: bytes of all files in the folder.
        readable: whether this version reads its cells.
    """

    folder: Path
    cells: dict[str, int]
    timed: int
    variants: tuple[str, ...]
    workloads: tuple[str, ...]
    last_measured: datetime.datetime | None
    size: int
    readable: bool


def overview(folder: str | Path) -> list[RunOverview]:
    """Return what the runs in a folder hold, by name; or the folder itself, where it is a run.

    Folders without cells are passed over, as are files that hold no cell.

    Raises:
        EplbError: there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        beside = [path.name for path in folder.parent.glob("*") if path.is_dir()] if folder.parent.is_dir() else []
        raise unknown(f"folder in {str(folder.parent)!r} called", folder.name, beside)
    try:
        below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "_")))
    except OSError as error:
        raise EplbError(f"{str(folder)!r} cannot be read: {error.strerror}") from None
    return [found for found in map(_run, [folder, *below]) if found is not None]


def _run(folder: Path) -> RunOverview | None:
    files = sorted(folder.glob("*.parquet"))
    parts = [files[first : first + TOGETHER] for first in range(0, len(files), TOGETHER)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = [row for part in pool.map(_first_rows, parts) for row in part]
    if not rows:
        return None
    times = [row["measured_at"] for row in rows if row["measured_at"] is not None]
    return RunOverview(
        folder=folder,
        cells=dict(Counter(row["status"] for row in rows)),
        timed=sum(row["place_seconds"] is not None for row in rows),
        variants=tuple(sorted({row["variant"] for row in rows})),
        workloads=tuple(sorted({row["workload"] for row in rows})),
        last_measured=max(times, default=None),
        size=sum(_sizes(folder)),
        readable={row["schema_version"] for row in rows} == {SCHEMA_VERSION},
    )


def _first_rows(files: Sequence[Path]) -> list[dict[str, Any]]:
    rows = []
    for path in files:
        try:
            if not path.is_file():  # a pipe would be waited for
                continue
            with pq.ParquetFile(path) as file:
                if set(COLUMNS) <= set(file.schema_arrow.names) and file.num_row_groups:
                    rows.append(file.read_row_group(0, columns=COLUMNS, use_threads=False).slice(0, 1).to_pylist()[0])
        except (OSError, pa.ArrowException, IndexError):
            continue
    return rows


def _sizes(folder: Path) -> Iterator[int]:
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.lstat(os.path.join(where, name)).st_size
            except OSError:  # gone meanwhile
                continue
