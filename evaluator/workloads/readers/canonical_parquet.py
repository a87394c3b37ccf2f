"""The canonical trace as parquet: a row per step and layer with a list ``counts``; metadata in the schema.

Columns: ``step`` int32, ``layer`` int32, ``counts`` list of int64, one entry per logical expert. The schema's metadata
has the other fields of ``Trace`` as JSON under ``eplb_lab.trace``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from eplb_variants.errors import EplbError
from evaluator.workloads.readers.canonical_npz import METADATA
from evaluator.workloads.readers.peek import Peek
from evaluator.workloads.trace import Trace

FORMAT = "a canonical parquet with columns step, layer, counts"
COLUMNS = ("step", "layer", "counts")
KEY = b"eplb_lab.trace"


def recognises(peek: Peek) -> bool:
    """Whether the file begins as parquet does."""
    return peek.head.startswith(b"PAR1")


def read(path: Path) -> Trace:
    """Return the trace; every step must have every layer, with equally many experts."""
    import pyarrow.parquet as pq

    table = pq.ParquetFile(path).read()
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise EplbError(f"it has no column {missing[0]!r}, but {', '.join(table.column_names)}")
    step, layer = (table[name].to_numpy().astype(np.int64) for name in ("step", "layer"))
    lists = table["counts"].combine_chunks()
    width = np.unique(lists.value_lengths().to_numpy())
    num_steps, num_layers = (len(np.unique(a)) for a in (step, layer))
    if width.size != 1 or len(step) != num_steps * num_layers:
        raise EplbError("its rows are not every layer of every step with equally many counts each")
    order = np.lexsort((layer, step))
    counts = lists.flatten().to_numpy().reshape(len(step), int(width[0]))[order]
    if len(np.unique(step * (layer.max() + 1) + layer)) != len(step):
        raise EplbError("it has two rows for the same step and layer")
    metadata: dict[str, Any] = json.loads((table.schema.metadata or {}).get(KEY, b"{}"))
    if metadata.get("layer_ids") is not None:
        metadata["layer_ids"] = tuple(metadata["layer_ids"])
    return Trace(counts.reshape(num_steps, num_layers, -1), **metadata)


def write(trace: Trace, path: Path) -> None:
    """Write a trace that ``read`` gives back."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    num_steps, num_layers, num_experts = trace.counts.shape
    flat = pa.array(trace.counts.astype(np.int64).ravel())
    offsets = pa.array(np.arange(num_steps * num_layers + 1, dtype=np.int32) * num_experts)
    known = {name: getattr(trace, name) for name in METADATA if getattr(trace, name) is not None}
    table = pa.table(
        {
            "step": np.repeat(np.arange(num_steps, dtype=np.int32), num_layers),
            "layer": np.tile(np.arange(num_layers, dtype=np.int32), num_steps),
            "counts": pa.ListArray.from_arrays(offsets, flat),
        }
    ).replace_schema_metadata({KEY: json.dumps(known).encode()})
    pq.write_table(table, path, compression="zstd")
