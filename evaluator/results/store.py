"""The folder of a run: one parquet file per cell, whole or not there at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from eplb_variants.errors import EplbError, printable, unknown
from evaluator.files import clear_left_over, temporary_beside
from evaluator.results.schema import ARROW, OK, SCHEMA_VERSION, complete, to_table

ALIKE = ["variant", "workload", "workload_content", "topology", "seed", "interval"]
"""Columns of which a comparison holds one cell."""
TOGETHER = 100
"""Files that one thread reads at a time."""
BATCH = 512
"""Rows that are written at a time."""


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
            clear_left_over(self.folder)
        except OSError as error:
            raise EplbError(f"results cannot be written to {str(self.folder)!r}: {error.strerror}") from None

    def read(self, cell: str, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Return the rows of a cell; none if it is not there, or is no whole file."""
        try:
            rows: list[dict[str, Any]] = read_table(self.path(cell), columns).to_pylist()
        except (FileNotFoundError, Damaged):
            return []
        return rows

    def done(self, cell: str, timing_key: str | None) -> tuple[bool, bool]:
        """Return whether the quality of a cell is there, and whether a valid timing by these settings is."""
        rows = self.read(cell, ["status", "timing_key", "timing_valid"])
        if not rows or rows[0]["status"] != OK:
            return False, False
        return True, bool(rows[0]["timing_valid"]) and rows[0]["timing_key"] == timing_key

    def write(self, cell: str, rows: list[dict[str, Any]]) -> Path:
        """Write a cell whose rows are all there; see ``writer``."""
        with self.writer(cell) as add:
            for row in rows:
                add(row)
        return self.path(cell)

    @contextmanager
    def writer(self, cell: str) -> Iterator[Callable[[dict[str, Any]], None]]:
        """Write a cell row by row under a temporary name, then rename: readers see all of it or nothing.

        Yields:
            a function that takes the next row; not more than ``BATCH`` of them are in memory.

        Raises:
            EplbError: the disk is full or the folder cannot be written to; nothing that was there is lost.
        """
        with self._replacing(cell) as write:
            batch: list[dict[str, Any]] = []

            def add(row: dict[str, Any]) -> None:
                batch.append(row)
                if len(batch) == BATCH:
                    write(to_table(batch, self.schema))
                    batch.clear()

            yield add
            if batch:
                write(to_table(batch, self.schema))

    def clear(self, cell: str) -> None:
        """Delete what a process that has ended left half written of a cell; nobody else is writing it."""
        for path in self.folder.glob(f".{cell}.parquet-*.tmp"):
            path.unlink(missing_ok=True)

    def amend(self, cell: str, columns: Mapping[str, Any]) -> None:
        """Give every row of a cell the same new values in some columns; the rest stays.

        Raises:
            EplbError: as ``writer``.
        """
        with pq.ParquetFile(self.path(cell)) as old, self._replacing(cell) as write:
            for group in range(old.num_row_groups):
                table = complete(old.read_row_group(group), self.schema)
                for name, value in columns.items():
                    index = self.schema.get_field_index(name)
                    constant = pa.array([value] * table.num_rows, self.schema.field(index).type)
                    table = table.set_column(table.schema.get_field_index(name), self.schema.field(index), constant)
                write(table)

    @contextmanager
    def _replacing(self, cell: str) -> Iterator[Callable[[pa.Table], None]]:
        temporary = temporary_beside(self.path(cell))
        try:
            with self._said(cell):
                file = pq.ParquetWriter(
                    temporary,
                    self.schema,
                    compression="zstd",
                    use_dictionary=[field.name for field in self.schema if pa.types.is_string(field.type)],
                    write_statistics=False,  # of a cell's few rows they would be half of the file
                    write_page_checksum=True,  # a disk that lies is told from results
                )

            def write(table: pa.Table) -> None:
                with self._said(cell):
                    file.write_table(table)

            try:
                yield write
            finally:
                with self._said(cell):
                    file.close()
            with self._said(cell):
                temporary.replace(self.path(cell))
        finally:
            temporary.unlink(missing_ok=True)

    @contextmanager
    def _said(self, cell: str) -> Iterator[None]:
        """Say of an error of the disk what could not be written; errors of what is measured are none of these."""
        try:
            yield
        except OSError as error:
            raise EplbError(f"{str(self.path(cell))!r} cannot be written: {error}") from None


NEVER_NULL = ("cell", "variant", "workload", "topology", "seed", "window", "status")
"""Columns that tell rows apart."""
TEXTS = ("variant", "workload", "topology", "suite", "part", "reason", "time_reference", "version")
"""Columns of texts that are shown."""


class Damaged(Exception):
    """A file is no whole parquet file, or not what was written."""


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Return a file's table, all columns or some.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: it cannot be read.
        Damaged: it is no whole parquet file, or a page's checksum is wrong.
    """
    try:
        if not path.is_file() and path.exists():  # a pipe would be waited for
            raise Damaged("it is no file")
        file = pq.ParquetFile(path, page_checksum_verification=True)
        return file.read(columns=columns, use_threads=False)  # a file is small, and there are many
    except (pa.ArrowException, OSError, UnicodeDecodeError, KeyError) as error:  # KeyError: two columns of one name
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Damaged(str(error)) from None  # what Arrow cannot decode is an OSError too, of no number


def read_files(files: Sequence[Path], without: Sequence[str] = ()) -> pd.DataFrame:
    """Return all rows of some cells' files, all columns or some left out.

    Raises:
        EplbError: a file is of a version that this one does not read, or no whole file.
    """
    columns = [name for name in ARROW.names if name not in without]
    if not files:
        return ARROW.empty_table().select(columns).to_pandas()

    def read(some: Sequence[Path]) -> pa.Table:
        return pa.concat_tables(
            [_table(file, columns) for file in some]
        ).combine_chunks()  # many chunks take much memory

    parts = [files[first : first + TOGETHER] for first in range(0, len(files), TOGETHER)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        frame = pa.concat_tables(pool.map(read, parts)).to_pandas()
    return _shown(frame)


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows in whose texts all that a terminal might obey is written out."""
    for name in TEXTS:
        if name in frame:
            odd = {text: printable(text) for text in frame[name].dropna().unique() if not text.isprintable()}
            if odd:
                frame[name] = frame[name].replace(odd)
    return frame


def _table(file: Path, columns: Sequence[str]) -> pa.Table:
    try:
        table = read_table(file, columns)
    except Damaged:
        raise EplbError(f"{str(file)!r} is no whole parquet file: delete it, and evaluate again") from None
    wanted = pa.schema([ARROW.field(name) for name in columns])
    table = complete(_checked(table), wanted)
    try:
        table = table if table.schema.equals(wanted) else table.cast(wanted)
    except (pa.ArrowException, NotImplementedError):
        raise EplbError(f"{str(file)!r} is no file of results: its columns are of other types") from None
    why = _why_no_results(table)
    if why is not None:
        raise EplbError(f"{str(file)!r} is no file of results: {why}")
    return table


def _why_no_results(table: pa.Table) -> str | None:
    """Return why a table of the right columns holds no results, a stranger's perhaps; None where it does."""
    for name in NEVER_NULL:
        if name in table.column_names and table[name].null_count:
            return f"the column {name!r} lacks values"
    for name in table.column_names:
        if pa.types.is_floating(table[name].type) and pc.any(pc.is_inf(table[name])).as_py():
            return f"the column {name!r} holds infinity"
    if table.group_by(["cell", "window"]).aggregate([]).num_rows < table.num_rows:
        return "a cell has two rows of one window"
    for name in table.column_names:
        if pa.types.is_list(table[name].type):
            wanted = pc.multiply(*(table[size] for size in ("num_layers", "num_gpus")))
            if pc.any(pc.not_equal(pc.list_value_length(table[name]), wanted)).as_py():
                return f"the column {name!r} has not a number for each GPU of each layer"
    return None


def write_parquet(table: pa.Table, file: Path, **options: Any) -> None:
    """Write a table, so that readers see it whole or what was there before; ``options`` are those of Arrow's writer.

    Raises:
        EplbError: it cannot be written.
    """
    temporary = temporary_beside(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, temporary, **options)
        temporary.replace(file)
    except OSError as error:
        raise EplbError(f"{str(file)!r} cannot be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)


def read_runs(folders: Iterable[str | Path], without: Sequence[str] = ()) -> pd.DataFrame:
    """Return all rows of any number of run folders, with a column ``run`` for the folder's name.

    Args:
        folders: of runs.
        without: columns to leave out, for speed; ``variant``, ``workload``, ``cell`` and the others that tell cells
            apart cannot be missed.

    Of several cells that are alike in all but the code or composition behind a name, the newest is kept: the others
    were left by an earlier version of a variant. Of the same cell in two folders, the one with times is kept.

    Raises:
        EplbError: a folder is missing or holds no results, or results of a newer version than this one reads.
    """
    frames = []
    for folder in map(Path, folders):
        files = _results_in(folder)
        if not files:
            raise _nothing_in(folder)
        frame = read_files(files, without)
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
    if len(set(table.column_names)) < len(table.column_names):
        raise EplbError("these results have two columns of one name")
    versions = set(table["schema_version"].to_pylist()) if "schema_version" in table.column_names else {None}
    if versions != {SCHEMA_VERSION}:
        found = ", ".join(map(str, versions))
        wanted = f"this eplb-lab reads {SCHEMA_VERSION}; evaluate again into another run"
        raise EplbError(f"these results are of schema version {found}: {wanted}")
    return table


def _results_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.parquet") if path.is_file()) if folder.is_dir() else []


def _nothing_in(folder: Path) -> EplbError:
    if folder.is_dir():
        runs = sorted(path for path in folder.iterdir() if path.is_dir() and _results_in(path))
        inside = f": it holds the runs {', '.join(map(str, runs))}, name one or several of these" if runs else ""
        return EplbError(f"there are no results in {str(folder)!r}{inside}")
    siblings = [p.name for p in folder.parent.glob("*") if p.is_dir()] if folder.parent.is_dir() else []
    return unknown(f"run folder in {str(folder.parent)!r} called", folder.name, siblings)
