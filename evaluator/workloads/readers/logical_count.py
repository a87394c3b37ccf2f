"""A JSON file ``{"logical_count": [layers][experts]}``, one step, or with an axis of steps before."""

from __future__ import annotations

import json
from pathlib import Path

from eplb_variants.errors import EplbError
from eplb_variants.loads import as_numpy
from evaluator.workloads.readers.peek import Peek
from evaluator.workloads.trace import Trace

FORMAT = "a JSON with 'logical_count'"


def recognises(peek: Peek) -> bool:
    """Whether the key stands near the beginning."""
    return peek.is_json and b'"logical_count"' in peek.head


def read(path: Path) -> Trace:
    """Return the trace."""
    content = json.loads(path.read_bytes())
    if not isinstance(content, dict) or "logical_count" not in content:
        raise EplbError("'logical_count' is not a key of its outermost object")
    counts = as_numpy(content["logical_count"])
    return Trace(counts[None] if counts.ndim == 2 else counts, source="logical_count JSON")
