"""What readers share: what a file may claim to hold, members of an archive, and counts with what is known of them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eplb_variants.errors import EplbError
from evaluator.workloads.trace import Trace

METADATA = tuple(field.name for field in fields(Trace) if field.name != "counts")
TEXTS = ("model", "phase", "source", "licence")
SMALL = 1 << 24
"""Numbers that any file may claim to hold, of whatever size: with what is needed to read them, half a GiB."""
SQUEEZED = 64
"""Bytes that a larger file may hold for each of its own. Recordings are squeezed 3 to 30 times; damage claims more."""
PLAIN_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Ways of compression that are unpacked a piece at a time; they are also all that NumPy and torch write."""


def check_claim(path: Path, what: str, count: int, item_size: int = 8) -> None:
    """Raise EplbError where a file claims to hold so many numbers that it cannot be true.

    Args:
        path: the file.
        what: that holds them, in words.
        count: numbers.
        item_size: bytes of each.
    """
    size = path.stat().st_size
    if count < 0 or (count > SMALL and count * item_size > SQUEEZED * size):
        raise EplbError(f"{what} is said to hold {count:,} numbers, which cannot be in a file of {size:,} bytes")


def check_member(archive: zipfile.ZipFile, name: str, largest: int) -> zipfile.ZipInfo:
    """Return the entry of a member of an archive that is to be unpacked.

    Raises:
        EplbError: it is missing, encrypted, compressed in an unusual way, or larger than ``largest`` bytes.
    """
    try:
        member = archive.getinfo(name)
    except KeyError:
        raise EplbError(f"it has no {name!r}") from None
    if member.flag_bits & 1:
        raise EplbError(f"its {name!r} is encrypted")
    if member.compress_type not in PLAIN_METHODS:
        raise EplbError(f"its {name!r} is compressed by method {member.compress_type}: stored or deflated is read")
    if member.file_size > largest:
        raise EplbError(f"its {name!r} is said to hold {member.file_size:,} bytes, which is too much")
    return member


def trace_of(counts: NDArray[Any], known: Mapping[str, Any]) -> Trace:
    """Return a trace with what is known of it.

    Raises:
        EplbError: what is known is not as in ``Trace``, or the counts are not valid.
    """
    metadata = {name: value for name, value in known.items() if value is not None}
    for name, value in metadata.items():
        if name not in METADATA:
            raise EplbError(f"it says {name!r} of itself: known are {', '.join(METADATA)}")
        if name == "layer_ids":
            good = isinstance(value, list | tuple) and all(type(i) is int for i in value)
        else:
            good = type(value) is (str if name in TEXTS else int)
        if not good:
            raise EplbError(f"its {name!r} is no {'text' if name in TEXTS else 'whole number'}")
    if "layer_ids" in metadata:
        metadata["layer_ids"] = tuple(metadata["layer_ids"])
        if len(metadata["layer_ids"]) != (counts.shape[1] if counts.ndim == 3 else -1):
            raise EplbError(f"it has {len(metadata['layer_ids'])} 'layer_ids' for counts of shape {list(counts.shape)}")
    return Trace(counts, **metadata)


def table_of(value: Any, what: str) -> NDArray[Any]:
    """Return nested lists of numbers ``[...][layers][experts]`` as an array, whatever else they may hold.

    Raises:
        EplbError: lists of one depth differ in length, or something in them is no number.
    """
    level, shape = [value], []
    while level and type(level[0]) is list:
        lengths = {len(item) if type(item) is list else -1 for item in level}
        if len(lengths) != 1:
            raise EplbError(f"{what} is not an array: its lists differ in length")
        shape.append(lengths.pop())
        level = [item for items in level for item in items]
        if len(shape) > 3:
            raise EplbError(f"{what} has more than three levels of lists")
    kinds = {type(item) for item in level} - {int, float}
    if kinds:
        raise EplbError(f"{what} holds {kinds.pop().__name__} values: counts of tokens are whole numbers")
    try:
        return np.array(level, dtype=np.float64 if float in map(type, level) else np.int64).reshape(shape)
    except OverflowError:
        raise EplbError(f"{what} holds a number that is too large to be a count") from None
