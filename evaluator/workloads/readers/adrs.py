"""The ADRS / OpenEvolve benchmark's ``expert-load.json``: ``data["load_history"][i]["logical_expert_load"]``.

The file, hundreds of megabytes of digits, is read as a stream: step after step is cut out and parsed by simdjson.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from eplb_variants.errors import EplbError
from evaluator.workloads.readers.peek import Peek
from evaluator.workloads.trace import Trace, check_counts

FORMAT = "an ADRS expert-load.json"
CHUNK = 1 << 20
"""Bytes that are read at a time: about ten steps of a large model."""
LARGEST_STEP = 16 << 20
"""Bytes of a step, with all that stands beside its load: fifty times that of a large model."""
LONGEST_START = 1 << 12
"""Bytes between the name of the history and its bracket, which may be blanks; what lies before is let go."""
GUESSES = 8
"""Closing braces that are tried as the end of a step; a step that holds more objects is measured out by ``json``."""
LONGEST_WORD = len("-Infinity")
"""Characters that may be missing their rest at the end of what was read; an error before is one of the file."""
NOT_JSON = (ValueError, RuntimeError)
"""What simdjson raises."""
_START = re.compile(rb'"load_history"\s*:\s*\[')
_BETWEEN = re.compile(rb"[\s,]*")


def recognises(peek: Peek) -> bool:
    """Whether the key stands near the beginning."""
    return peek.is_json and b'"load_history"' in peek.head


def read(path: Path) -> Trace:
    """Return the trace: each entry of the history is a step of ``[layers][experts]``."""
    counts = list(steps(path))
    if not counts:
        raise EplbError("its 'load_history' is empty")
    if len({step.shape for step in counts}) > 1:
        raise EplbError("its steps differ in their numbers of layers or experts")
    return Trace(np.stack(counts), source="ADRS expert-load.json")


def steps(path: Path) -> Iterator[NDArray[Any]]:
    """Yield the steps ``[L, E]`` one by one."""
    with path.open("rb") as file:
        for number, record in enumerate(_records(file)):
            yield _step(record, number)


def _step(record: Any, number: int) -> NDArray[Any]:
    try:
        table = record["logical_expert_load"]
    except (KeyError, TypeError):
        raise EplbError(f"step {number} of its 'load_history' has no 'logical_expert_load'") from None
    try:
        widths = {len(row) for row in table if isinstance(row[0], int)}
        counts = np.frombuffer(table.as_buffer(of_type="i"), np.int64).reshape(len(table), -1)
    except (TypeError, ValueError, AttributeError, IndexError, RuntimeError):
        widths = set()
    if len(widths) != 1 or counts.shape[1] not in widths:
        raise EplbError(f"step {number} of its 'load_history' is no table of whole numbers")
    check_counts(counts[None], number)
    return counts.astype(np.int32) if counts.max() <= np.iinfo(np.int32).max else counts


def _records(file: BinaryIO) -> Iterator[Any]:
    """Yield the items of ``load_history`` one by one; each is to be used before the next is asked for."""
    buffer = b""
    while (start := _START.search(buffer)) is None:
        buffer = buffer[-LONGEST_START:] + _more(file, "its 'load_history' is no list")
    at = start.end()
    while True:
        at = _BETWEEN.match(buffer, at).end()  # type: ignore[union-attr]  # it matches the empty string
        if buffer[at : at + 1] == b"]":
            return
        record, end = _record(buffer, at)
        if record is None:
            buffer, at = buffer[at:], 0
            if len(buffer) > LARGEST_STEP:
                raise EplbError(f"a step of its 'load_history' does not end within {LARGEST_STEP:,} bytes")
            buffer += _more(file, "it ends in the middle of its 'load_history': it was cut short", len(buffer))
            continue
        yield record
        at = end


def _more(file: BinaryIO, otherwise: str, at_least: int = 0) -> bytes:
    """Return the next bytes: as many again as there are, so that a long step is not looked through too often."""
    chunk = file.read(max(CHUNK, at_least))
    if not chunk:
        raise EplbError(otherwise)
    return chunk


def _record(buffer: bytes, at: int) -> tuple[Any, int]:
    """Return the item that begins at a place, and where it ends; None if its end is not in the buffer.

    What begins with a brace and parses as a whole ends at its own closing brace, whatever it holds.
    """
    import simdjson

    parser, end = simdjson.Parser(), at
    for guess in range(GUESSES):
        end = buffer.find(b"}", end) + 1
        if not end and not guess:
            return None, at
        if not end:
            break
        try:
            return parser.parse(buffer[at:end]), end
        except NOT_JSON:
            continue
    text = buffer[at:].decode("utf-8", errors="ignore")
    try:
        _, length = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        if error.pos < len(text) - LONGEST_WORD and not error.msg.startswith("Unterminated"):
            raise EplbError(f"its 'load_history' is not JSON: {error.msg}") from None
        return None, at
    end = at + len(text[:length].encode())
    try:
        return parser.parse(buffer[at:end]), end
    except NOT_JSON as error:
        why = str(error).partition(":")[2].strip()
        raise EplbError(f"an item of its 'load_history' cannot be read: {why}") from None
