"""Recorded traces: one reader per file format, chosen by what is in the file.

A reader is a module with ``FORMAT`` (what it reads, in words), ``recognises(peek)`` and ``read(path)``; if it can read
step by step, with ``steps(path)`` too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from eplb_variants.errors import EplbError
from evaluator.workloads.readers import adrs, canonical_npz, canonical_parquet, logical_count, sglang_stat
from evaluator.workloads.readers.peek import Peek
from evaluator.workloads.trace import Trace

READERS = (canonical_npz, canonical_parquet, sglang_stat, adrs, logical_count)


def read_trace(path: str | Path) -> Trace:
    """Return the trace in a file, whatever its format.

    Raises:
        EplbError: the file is missing, empty, cut short or of a kind that no reader knows; says what was found.
    """
    reader = _reader_of(Path(path))
    with _sentences(reader, path):
        trace: Trace = reader.read(Path(path))
    return trace


def read_steps(path: str | Path) -> Iterator[NDArray[Any]]:
    """Yield the steps ``[L, E]`` of the trace in a file, without all of it in memory where its reader can do so.

    Raises:
        EplbError: as ``read_trace``; a file that is cut short may be found to be so after some steps.
    """
    reader = _reader_of(Path(path))
    with _sentences(reader, path):
        yield from reader.steps(Path(path)) if hasattr(reader, "steps") else reader.read(Path(path)).counts


def _reader_of(path: Path) -> Any:
    if not path.exists():
        raise EplbError(f"there is no file {str(path)!r}")
    if not path.is_file():
        raise EplbError(f"{str(path)!r} is not a file: a recorded workload is one file")
    peek = Peek(path)
    for reader in READERS:
        if reader.recognises(peek):
            return reader
    known = "; ".join(reader.FORMAT for reader in READERS)
    raise EplbError(f"{str(path)!r} is {peek.kind}: known are {known}")


@contextmanager
def _sentences(reader: Any, path: str | Path) -> Iterator[None]:
    """Say of every error which file it is of, and as what it was read."""
    try:
        yield
    except EplbError as error:
        raise EplbError(f"{str(path)!r}, read as {reader.FORMAT}: {error}") from None
    except Exception as error:  # a damaged file fails in as many ways as there are libraries
        raise EplbError(
            f"{str(path)!r} looks like {reader.FORMAT}, but cannot be read; it may be cut short: "
            f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no more is known'}"
        ) from None
