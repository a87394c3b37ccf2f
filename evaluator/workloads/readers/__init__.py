"""Recorded traces: one reader per file format, chosen by what is in the file.

A reader is a module with ``FORMAT`` (what it reads, in words), ``recognises(peek)`` and ``read(path)``; if it can read
step by step, with ``steps(path)`` too.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from eplb_variants.errors import EplbError, printable
from evaluator.workloads.readers import adrs, canonical_npz, canonical_parquet, logical_count, sglang_stat
from evaluator.workloads.readers.peek import Peek
from evaluator.workloads.trace import Trace

READERS: tuple[ModuleType, ...] = (canonical_npz, canonical_parquet, sglang_stat, adrs, logical_count)
LONGEST_REASON = 300
"""Characters of what a library says of a damaged file."""


def read_trace(path: str | Path) -> Trace:
    """Return the trace in a file, whatever its format.

    Raises:
        EplbError: the file is missing, empty, cut short or of a kind that no reader knows; says what was found.
    """
    reader = reader_of(Path(path))
    with _sentences(reader, path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries, on files that are then read or refused all the same
        trace: Trace = reader.read(Path(path))
    return trace


def read_steps(path: str | Path) -> Iterator[NDArray[Any]]:
    """Yield the steps ``[L, E]`` of the trace in a file, without all of it in memory where its reader can do so.

    Raises:
        EplbError: as ``read_trace``; a file that is cut short may be found to be so after some steps.
    """
    reader = reader_of(Path(path))
    if not hasattr(reader, "steps"):
        yield from read_trace(path).counts
        return
    with _sentences(reader, path):
        yield from reader.steps(Path(path))


def reader_of(path: str | Path) -> ModuleType:
    """Return the reader that recognises a file.

    Raises:
        EplbError: the file is missing, cannot be opened, or is of a kind that no reader knows; says what was found.
    """
    path = Path(path)
    if not path.exists():
        raise EplbError(f"there is no file {str(path)!r}")
    if not path.is_file():
        raise EplbError(f"{str(path)!r} is not a file: a recorded workload is one file")
    peek = Peek(path)
    try:
        for reader in READERS:
            if reader.recognises(peek):
                return reader
        kind = peek.kind
    except OSError as error:
        raise EplbError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    known = "; ".join(reader.FORMAT for reader in READERS)
    raise EplbError(printable(f"{str(path)!r} is {kind}: known are {known}"))


@contextmanager
def _sentences(reader: ModuleType, path: str | Path) -> Iterator[None]:
    """Say of every error, in one line that can be printed, which file it is of and as what it was read."""
    try:
        yield
    except Exception as error:  # a damaged file fails in as many ways as there are libraries
        why = printable(_reason(error))
        raise EplbError(f"{str(path)!r}, read as {reader.FORMAT}: {why}") from None


def _reason(error: Exception) -> str:
    """Return why a file cannot be read, in one line."""
    said = str(error)[:LONGEST_REASON]
    if isinstance(error, EplbError):
        return said
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    said = (said.strip().splitlines() or ["no more is known"])[0]
    return f"it cannot be read; it may be cut short or damaged: {type(error).__name__}: {said}"
