"""Recorded traces: one reader per file format, chosen by what is in the file.

A reader is a module with ``FORMAT`` (what it reads, in words), ``recognises(file)`` and ``read(file)``.
"""

from __future__ import annotations

import sys
from pathlib import Path

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
    path = Path(path)
    if not path.exists():
        raise EplbError(f"there is no file {str(path)!r}")
    if not path.is_file():
        raise EplbError(f"{str(path)!r} is not a file: a recorded workload is one file")
    peek = Peek(path)
    for reader in READERS:
        if reader.recognises(peek):
            return _read(reader.__name__, peek)
    known = "; ".join(reader.FORMAT for reader in READERS)
    raise EplbError(f"{str(path)!r} is {peek.kind}: known are {known}")


def _read(module: str, peek: Peek) -> Trace:
    reader = sys.modules[module]
    try:
        trace: Trace = reader.read(peek.path)
    except EplbError as error:
        raise EplbError(f"{str(peek.path)!r}, read as {reader.FORMAT}: {error}") from None
    except Exception as error:  # a damaged file fails in as many ways as there are libraries
        raise EplbError(
            f"{str(peek.path)!r} looks like {reader.FORMAT}, but cannot be read; it may be cut short: "
            f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no more is known'}"
        ) from None
    return trace
