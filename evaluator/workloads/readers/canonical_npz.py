"""The canonical trace as .npz: an array ``counts`` and, beside it, whatever is known of it.

Entries: ``counts [steps, layers, experts]``, and optionally the other fields of ``Trace`` by their names.
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from eplb_variants.errors import EplbError
from evaluator.workloads.readers.peek import Peek
from evaluator.workloads.readers.whole import METADATA, SMALL, SQUEEZED, check_claim, check_member, trace_of
from evaluator.workloads.trace import Trace

FORMAT = "a canonical .npz with an array 'counts'"
LARGEST_NOTE = 1 << 20
"""Bytes of an entry beside the counts."""


def recognises(peek: Peek) -> bool:
    """Whether the file is an archive with ``counts.npy`` in it."""
    return "counts.npy" in peek.members


def read(path: Path) -> Trace:
    """Return the trace; nothing pickled is loaded, and nothing unpacked before its size is known to be plausible."""
    with zipfile.ZipFile(path) as archive:
        here = set(archive.namelist())
        known = {name: _value(archive, path, name) for name in METADATA if f"{name}.npy" in here}
        largest = max(8 * SMALL, SQUEEZED * path.stat().st_size)
        counts = _array(archive, path, "counts", "iuf", largest)
    return trace_of(counts, known)


def _value(archive: zipfile.ZipFile, path: Path, name: str) -> Any:
    """Return an entry beside the counts as a plain value."""
    return _array(archive, path, name, "iuU", LARGEST_NOTE).tolist()


def _array(archive: zipfile.ZipFile, path: Path, name: str, kinds: str, largest: int) -> NDArray[Any]:
    """Return an array of an archive, of a type whose ``dtype.kind`` is one of ``kinds``."""
    member = check_member(archive, f"{name}.npy", largest)
    with archive.open(member) as file:
        major = npy.read_magic(file)[0]
        read_header = npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
        shape, _, dtype = read_header(file)
        held = member.file_size - file.tell()
    if dtype.kind not in kinds:
        holds = "pickled objects" if dtype.hasobject else f"{dtype} values"
        raise EplbError(f"its {name!r} holds {holds}: only numbers are read")
    check_claim(path, f"its {name!r}", math.prod(shape), dtype.itemsize)
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != held:
        raise EplbError(f"its {name!r} is said to have the shape {list(shape)}, but holds {held:,} bytes")
    with archive.open(member) as file:
        return np.asarray(npy.read_array(file, allow_pickle=False))


def write(trace: Trace, path: Path) -> None:
    """Write a trace that ``read`` gives back."""
    known = {name: getattr(trace, name) for name in METADATA if getattr(trace, name) is not None}
    np.savez_compressed(path, counts=trace.counts, **known)
