"""A log for each cell: what its variant printed or warned of, how it ended, and what it died of."""

from __future__ import annotations

import contextlib
import datetime
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

FOLDER = "_logs"
"""Of a run; readers of results pass over names that begin with an underscore."""


class CellLog:
    """An open log."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._began = time.perf_counter()

    def says(self, status: str, what: str, died_of: BaseException | None = None) -> None:
        """Write how the cell ended, with the traceback of what its variant died of."""
        if died_of is not None:
            self._file.write("".join(traceback.format_exception(died_of)))
        self._file.write(f"{status} after {time.perf_counter() - self._began:.3f} s: {what}\n")


@contextmanager
def cell_log(folder: Path, cell: str, name: str) -> Iterator[CellLog]:
    """Write a cell's log while it is measured; what is printed meanwhile goes there and not to the terminal.

    Args:
        folder: of the run.
        cell: its key; the log is ``_logs/CELL.log``, which is added to when the cell is measured again.
        name: what the cell is called.

    A log that cannot be written costs nothing but the log.
    """
    with contextlib.ExitStack() as stack:
        try:
            (folder / FOLDER).mkdir(exist_ok=True)
            file: TextIO = stack.enter_context((folder / FOLDER / f"{cell}.log").open("a", encoding="utf-8"))
        except OSError:
            file = stack.enter_context(open("/dev/null", "w", encoding="utf-8"))  # the stack closes it
        file.write(f"{datetime.datetime.now(datetime.UTC).isoformat(timespec='seconds')} {name}\n")
        stack.enter_context(contextlib.redirect_stdout(file))
        stack.enter_context(contextlib.redirect_stderr(file))
        yield CellLog(file)
