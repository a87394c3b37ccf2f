"""A JSON file ``{"logical_count": [layers][experts]}``, one step, or with an axis of steps before."""

from __future__ import annotations

import json
from pathlib import Path

from eplb_variants.errors import EplbError
from evaluator.workloads.readers.peek import Peek
from evaluator.workloads.readers.whole import table_of
from evaluator.workloads.trace import Trace

FORMAT = "a JSON with 'logical_count'"
LARGEST = 32 << 20
"""Bytes of a file that is read, some 400 steps of DeepSeek-V3: each may take 24 bytes of memory."""


def recognises(peek: Peek) -> bool:
    """Whether the key stands near the beginning."""
    return peek.is_json and b'"logical_count"' in peek.head


def read(path: Path) -> Trace:
    """Return the trace."""
    size = path.stat().st_size
    if size > LARGEST:
        raise EplbError(f"it has {size:,} bytes, and {LARGEST:,} are read at most: keep so much as .npz or parquet")
    try:
        content = json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        raise EplbError(f"it is not JSON: {error.msg} at character {error.pos:,}; it may be cut short") from None
    if not isinstance(content, dict) or "logical_count" not in content:
        raise EplbError("'logical_count' is not a key of its outermost object")
    counts = table_of(content["logical_count"], "'logical_count'")
    return Trace(counts[None] if counts.ndim == 2 else counts, source="logical_count JSON")
