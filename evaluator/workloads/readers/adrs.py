"""The ADRS / OpenEvolve benchmark's ``expert-load.json``: ``data["load_history"][i]["logical_expert_load"]``.

The file is read as a stream, one step at a time: it can be hundreds of megabytes of digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from eplb_variants.errors import EplbError
from evaluator.workloads.readers.peek import Peek
from evaluator.workloads.trace import Trace

FORMAT = "an ADRS expert-load.json"
CHUNK = 1 << 20
"""Characters that are read at a time: about ten steps of a large model."""
_START = re.compile(r'"load_history"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")


def recognises(peek: Peek) -> bool:
    """Whether the key stands near the beginning."""
    return peek.is_json and b'"load_history"' in peek.head


def read(path: Path) -> Trace:
    """Return the trace: each entry of the history is a step of ``[layers][experts]``."""
    with path.open(encoding="utf-8") as file:
        steps = [_step(record, number) for number, record in enumerate(_records(file))]
    if not steps:
        raise EplbError("its 'load_history' is empty")
    if len({step.shape for step in steps}) > 1:
        raise EplbError("its steps differ in their numbers of layers or experts")
    return Trace(np.stack(steps), source="ADRS expert-load.json")


def _step(record: Any, number: int) -> np.ndarray:
    if not isinstance(record, dict) or "logical_expert_load" not in record:
        raise EplbError(f"step {number} of its 'load_history' has no 'logical_expert_load'")
    step = np.array(record["logical_expert_load"])
    if step.ndim != 2 or step.dtype.kind not in "iu":
        raise EplbError(f"step {number} of its 'load_history' is no table of whole numbers")
    smallest = np.min_scalar_type(int(step.max(initial=0))) if step.min(initial=0) >= 0 else step.dtype
    return step.astype(np.promote_types(smallest, np.int32))


def _records(file: TextIO) -> Iterator[Any]:
    """Yield the items of ``load_history`` one by one."""
    decoder = json.JSONDecoder()
    text = ""
    while (start := _START.search(text)) is None:
        chunk = file.read(CHUNK)
        if not chunk:
            raise EplbError("its 'load_history' is no list")
        text += chunk
    text = text[start.end() :]
    while True:
        text = text[_match_end(text) :]
        if text.startswith("]"):
            return
        try:
            record, end = decoder.raw_decode(text)
        except json.JSONDecodeError:
            chunk = file.read(CHUNK)
            if not chunk:
                raise EplbError("it ends in the middle of its 'load_history': it was cut short") from None
            text += chunk
            continue
        yield record
        text = text[end:]


def _match_end(text: str) -> int:
    match = _BETWEEN.match(text)
    return match.end() if match else 0
