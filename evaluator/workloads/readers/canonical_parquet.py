"""The canonical trace as parquet: a row per step and layer with a list ``counts``; metadata in the schema.

Columns: ``step`` int32, ``layer`` int32, ``counts`` list of int64, one entry per logical expert. The schema's metadata
has the other fields of ``Trace`` as JSON under ``eplb_lab.trace``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eplb_variants.errors import EplbError
from evaluator.workloads.readers.peek import Peek
from evaluator.workloads.readers.whole import METADATA, check_claim, trace_of
from evaluator.workloads.trace import Trace

FORMAT = "a canonical parquet with columns step, layer, counts"
COLUMNS = ("step", "layer", "counts")
KEY = b"eplb_lab.trace"
LARGEST_NAME, MOST_NAMES = 1 << 20, 1 << 16
"""Bytes of a text and entries of a list in the file's footer."""


def recognises(peek: Peek) -> bool:
    """Whether the file begins as parquet does."""
    return peek.head.startswith(b"PAR1")


def read(path: Path) -> Trace:
    """Return the trace; every step must have every layer, with equally many experts."""
    import pyarrow.parquet as pq

    limits = {"thrift_string_size_limit": LARGEST_NAME, "thrift_container_size_limit": MOST_NAMES}
    with path.open("rb") as opened, pq.ParquetFile(opened, pre_buffer=False, **limits) as file:  # its name may be any
        _check_schema(file.schema_arrow)
        _check_footer(path, file.metadata)
        table = file.read(columns=list(COLUMNS), use_threads=False)
        notes = (file.schema_arrow.metadata or {}).get(KEY, b"{}")
    step, layer = (_whole_numbers(table[name], name) for name in ("step", "layer"))
    lists = table["counts"].combine_chunks()
    if lists.null_count:
        raise EplbError("its column 'counts' has empty cells")
    width = np.unique(lists.value_lengths().to_numpy())
    steps, layers = np.unique(step), np.unique(layer)
    if width.size != 1 or len(step) != len(steps) * len(layers):
        raise EplbError("its rows are not every layer of every step with equally many counts each")
    order = np.lexsort((layer, step))
    shape = (len(steps), len(layers))
    if (step[order].reshape(shape) != steps[:, None]).any() or (layer[order].reshape(shape) != layers).any():
        raise EplbError("it has two rows for the same step and layer")
    flat = lists.flatten()
    if flat.null_count:
        raise EplbError("its column 'counts' has empty entries")
    return trace_of(flat.to_numpy().reshape(len(step), int(width[0]))[order].reshape(*shape, -1), _notes(notes))


def _check_schema(schema: Any) -> None:
    """Raise EplbError where columns are missing, there twice, or of other types."""
    import pyarrow as pa

    missing = [name for name in COLUMNS if name not in schema.names]
    if missing:
        raise EplbError(f"it has no column {missing[0]!r}, but {', '.join(schema.names[:8])}")
    twice = [name for name in COLUMNS if schema.names.count(name) > 1]
    if twice:
        raise EplbError(f"it has two columns {twice[0]!r}")
    for name in ("step", "layer"):
        if not pa.types.is_integer(schema.field(name).type):
            raise EplbError(f"its column {name!r} holds {schema.field(name).type} values: they are whole numbers")
    counts = schema.field("counts").type
    lists = pa.types.is_list(counts) or pa.types.is_large_list(counts)
    if not lists or not (pa.types.is_integer(counts.value_type) or pa.types.is_floating(counts.value_type)):
        raise EplbError(f"its column 'counts' holds {counts} values: they are lists of whole numbers")


def _check_footer(path: Path, footer: Any) -> None:
    """Raise EplbError where the footer claims more than the file can hold."""
    check_claim(path, "it", footer.num_rows)
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    columns = [group.column(number) for group in groups for number in range(group.num_columns)]
    check_claim(path, "it", sum(max(column.num_values, column.total_uncompressed_size // 8) for column in columns))


def _whole_numbers(column: Any, name: str) -> NDArray[np.int64]:
    if column.null_count:
        raise EplbError(f"its column {name!r} has empty cells")
    return np.asarray(column.to_numpy()).astype(np.int64)


def _notes(text: bytes) -> dict[str, Any]:
    """Return what the file says of itself."""
    try:
        known = json.loads(text)
    except (ValueError, RecursionError):
        known = None
    if not isinstance(known, dict):
        raise EplbError(f"its metadata {KEY.decode()!r} is not a JSON object")
    return known


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
