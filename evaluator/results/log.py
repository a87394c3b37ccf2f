"""A log for each cell: what its variant printed or warned of, and how it ended, with the reason."""

from __future__ import annotations

import contextlib
import datetime
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from evaluator.files import without_waiting

FOLDER = "_logs"
"""Of a run; readers of results pass over names that begin with an underscore."""
STANDARD = (1, 2)
"""Descriptors of what is printed, by compiled code and by other programs, too."""


class CellLog:
    """An open log; what cannot be written to it is lost."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._began = time.perf_counter()

    def says(self, status: str, what: str, died_of: BaseException | None = None) -> None:
        """Write how the cell ended, with the traceback where its variant failed."""
        _flush()
        with contextlib.suppress(OSError, ValueError):
            if died_of is not None:
                self._file.write(_traceback(died_of))
            self._file.write(f"{status} after {time.perf_counter() - self._began:.3f} s: {what}\n")
            self._file.flush()


def log_path(folder: Path, name: str) -> Path:
    """Return the file of a log in the folder of a run: that of a cell has its key as name."""
    return folder / FOLDER / f"{name}.log"


@contextmanager
def cell_log(folder: Path, name: str, title: str) -> Iterator[CellLog]:
    """Write a log while a cell is measured; all that is printed meanwhile goes there and not to the terminal.

    Args:
        folder: of the run.
        name: of the log, such as the cell's key; what is there is added to.
        title: what the cell is called.

    A log that cannot be written costs nothing but the log.
    """
    with contextlib.ExitStack() as stack:
        own, printed = (stack.enter_context(_opened(folder, name)) for _ in range(2))
        log = CellLog(own)
        with contextlib.suppress(OSError):
            own.write(f"{datetime.datetime.now(datetime.UTC).isoformat(timespec='seconds')} {title}\n")
        stack.enter_context(_descriptors_to(own))
        stack.enter_context(contextlib.redirect_stdout(printed))  # another file: what is measured may close it
        stack.enter_context(contextlib.redirect_stderr(printed))
        yield log


def add_to_log(folder: Path, name: str, status: str, what: str) -> None:
    """Say in a log how a cell ended whose own process could not; a log that cannot be written costs nothing."""
    with contextlib.suppress(OSError):
        (folder / FOLDER).mkdir(exist_ok=True)
        with open(log_path(folder, name), "a", encoding="utf-8", opener=without_waiting) as file:
            file.write(f"\n{status}: {what}\n")


@contextmanager
def _descriptors_to(file: TextIO) -> Iterator[None]:
    """Let what is printed past Python go to a file, too."""
    saved = []
    try:
        _flush()
        for standard in STANDARD:
            saved.append((os.dup(standard), standard))
            os.dup2(file.fileno(), standard)
        yield
    finally:
        for kept, standard in saved:
            with contextlib.suppress(OSError):
                os.dup2(kept, standard)
                os.close(kept)


@contextmanager
def _opened(folder: Path, name: str) -> Iterator[TextIO]:
    """Open a log to add to, or nothing where that cannot be done; it may be closed meanwhile."""
    try:
        (folder / FOLDER).mkdir(exist_ok=True)
        path = log_path(folder, name)
        file: TextIO = open(  # noqa: SIM115 - closed below
            path, "a", encoding="utf-8", errors="backslashreplace", buffering=1, opener=without_waiting
        )
    except OSError:
        file = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - closed below
    try:
        yield file
    finally:
        with contextlib.suppress(OSError, ValueError):
            file.close()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):  # closed, put away, or an object of the variant's
            stream.flush()


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except BaseException:  # an error that cannot be printed is still an error
        return f"{type(error).__name__}\n"
