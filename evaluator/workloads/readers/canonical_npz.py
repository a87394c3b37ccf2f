"""The canonical trace as .npz: an array ``counts`` and, beside it, whatever is known of it.

Entries: ``counts [steps, layers, experts]``, and optionally the other fields of ``Trace`` by their names.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from evaluator.workloads.readers.peek import Peek
from evaluator.workloads.trace import Trace

FORMAT = "a canonical .npz with an array 'counts'"
METADATA = tuple(field.name for field in fields(Trace) if field.name != "counts")


def recognises(peek: Peek) -> bool:
    """Whether the file is an archive with ``counts.npy`` in it."""
    return "counts.npy" in peek.members


def read(path: Path) -> Trace:
    """Return the trace; nothing pickled is loaded."""
    with np.load(path, allow_pickle=False) as data:
        metadata: dict[str, Any] = {name: data[name] for name in METADATA if name in data}
        counts = data["counts"]
    layer_ids = metadata.pop("layer_ids", None)
    return Trace(
        counts,
        layer_ids=None if layer_ids is None else tuple(int(i) for i in layer_ids),
        **{name: value.item() for name, value in metadata.items()},
    )


def write(trace: Trace, path: Path) -> None:
    """Write a trace that ``read`` gives back."""
    known = {name: getattr(trace, name) for name in METADATA if getattr(trace, name) is not None}
    np.savez_compressed(path, counts=trace.counts, **known)
