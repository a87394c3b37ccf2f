"""The folder of a run: one parquet file per cell, whole or not there at all."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from eplb_variants.errors import EplbError, unknown
from evaluator.results.schema import ARROW, OK, SCHEMA_VERSION, to_table

ALIKE = ["variant", "workload", "workload_content", "topology", "seed", "interval"]
"""Columns of which a comparison holds one cell."""
STALE_SECONDS = 3600.0
"""A file that is being written is renamed within seconds; one that is older than this was left behind."""


class Store:
    """Reads and writes the cells of one run.

    Args:
        folder: where they are; made by ``prepare``.
        schema: of the files.
    """

    def __init__(self, folder: str | Path, schema: pa.Schema = ARROW) -> None:
        self.folder = Path(folder)
        self.schema = schema

    def path(self, cell: str) -> Path:
        """Return the file of a cell."""
        return self.folder / f"{cell}.parquet"

    def prepare(self) -> None:
        """Make the folder and see that it can be written to, before anything is measured.

        Raises:
            EplbError: it cannot.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / f".probe-{secrets.token_hex(8)}"
            probe.write_bytes(b"")
            probe.unlink()
            for left_over in self.folder.glob(".*.tmp"):  # of a process that was killed while it wrote
                if time.time() - left_over.stat().st_mtime > STALE_SECONDS:
                    left_over.unlink(missing_ok=True)
        except OSError as error:
            raise EplbError(f"results cannot be written to {str(self.folder)!r}: {error.strerror}") from None

    def read(self, cell: str, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Return the rows of a cell; none if it is not there, or is no whole file."""
        try:
            rows: list[dict[str, Any]] = pq.ParquetFile(self.path(cell)).read(columns=columns).to_pylist()
        except (FileNotFoundError, pa.ArrowInvalid):
            return []
        return rows

    def done(self, cell: str, timing_key: str | None) -> tuple[bool, bool]:
        """Return whether the quality of a cell is there, and whether a valid timing by these settings is."""
        rows = self.read(cell, ["status", "timing_key", "timing_valid"])
        if not rows or rows[0]["status"] != OK:
            return False, False
        return True, bool(rows[0]["timing_valid"]) and rows[0]["timing_key"] == timing_key

    def write(self, cell: str, rows: list[dict[str, Any]]) -> Path:
        """Write a cell under a temporary name, then rename: readers see all of it or nothing.

        Raises:
            EplbError: the disk is full or the folder cannot be written to; nothing that was there is lost.
        """
        path = self.path(cell)
        temporary = self.folder / f".{cell}-{secrets.token_hex(8)}.tmp"
        try:
            pq.write_table(to_table(rows, self.schema), temporary, compression="zstd")
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise EplbError(f"{str(path)!r} cannot be written: {error}") from None
        return path


def read_files(files: Sequence[Path]) -> pd.DataFrame:
    """Return all rows of some cells' files; EplbError where one is of a version that this one does not read."""
    tables = [_table(file) for file in files]
    return pa.concat_tables(tables).to_pandas()


def _table(file: Path) -> pa.Table:
    try:
        table = pq.ParquetFile(file).read()
    except pa.ArrowInvalid:
        raise EplbError(f"{str(file)!r} is no whole parquet file: delete it, and evaluate again") from None
    return _checked(table).cast(ARROW)


def read_runs(folders: Iterable[str | Path]) -> pd.DataFrame:
    """Return all rows of any number of run folders, with a column ``run`` for the folder's name.

    Of several cells that are alike in all but the code or composition behind a name, the newest is kept: the others
    were left by an earlier version of a variant. Of the same cell in two folders, the one with times is kept.

    Raises:
        EplbError: a folder is missing or holds no results, or results of a newer version than this one reads.
    """
    frames = []
    for folder in map(Path, folders):
        files = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
        if not files:
            raise _nothing_in(folder)
        frame = read_files(files)
        frame.insert(0, "run", folder.name)
        frames.append(frame)
    if not frames:
        raise EplbError("no run folder was named")
    merged = pd.concat(frames, ignore_index=True)
    cells = merged.drop_duplicates(["run", "cell"]).copy()
    cells["timed"] = cells["place_seconds"].notna()
    newest = cells.sort_values(["measured_at"]).groupby(ALIKE, dropna=False)["cell"].last()
    cells = cells[cells["cell"].isin(newest)].sort_values(["timed", "measured_at"]).drop_duplicates("cell", keep="last")
    return merged.merge(cells[["run", "cell"]], on=["run", "cell"]).reset_index(drop=True)


def _checked(table: pa.Table) -> pa.Table:
    versions = set(table["schema_version"].to_pylist()) if "schema_version" in table.column_names else {None}
    if versions != {SCHEMA_VERSION}:
        found = ", ".join(map(str, versions))
        raise EplbError(f"these results are of schema version {found}: this eplb-lab reads {SCHEMA_VERSION}")
    return table


def _nothing_in(folder: Path) -> EplbError:
    if folder.is_dir():
        return EplbError(f"there are no results in {str(folder)!r}")
    siblings = [p.name for p in folder.parent.glob("*") if p.is_dir()] if folder.parent.is_dir() else []
    return unknown(f"run folder in {str(folder.parent)!r} called", folder.name, siblings)
