"""Damage to parquet: to its footer, columns of another kind, and millions of numbers in a few bytes."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
from numpy.random import Generator

from evaluator.bench.damage.anywhere import BYTES
from evaluator.bench.damage.common import EXTREMES, Damage, pick, written
from evaluator.workloads.readers import canonical_parquet


def break_footer(content: bytes, generator: Generator) -> bytes:
    """Damage the metadata at the end of a parquet file."""
    if len(content) < 12:
        return content
    size = min(int.from_bytes(content[-8:-4], "little"), len(content) - 12)
    start = len(content) - 8 - size
    footer = pick(BYTES, generator)(content[start:-8], generator)
    if generator.random() < 0.2:
        return content[:-8] + pick(EXTREMES, generator).to_bytes(8, "little")[:4] + content[-4:]
    return content[:start] + footer + len(footer).to_bytes(4, "little") + content[-4:]


def exchange_columns(content: bytes, generator: Generator) -> bytes:
    """Write a sound parquet file of other columns or metadata."""
    import pyarrow as pa

    two = [0, 0]
    counts = pick(
        (
            [[1, 2], [3, None]],
            [[1, 2], None],
            [[1, 2], [3]],
            [[], []],
            [["a", "b"], ["c", "d"]],
            [[[1], [2]], [[3], [4]]],
            [[1.5, 2.0], [3.0, 4.0]],
            [[float("nan"), 2.0], [3.0, 4.0]],
            [[True, False], [True, False]],
            [[-1, 2], [3, 4]],
            [[2**62, 2], [3, 4]],
            [1, 2],
            ["\x1b[31m\n", "x"],
            [{"a": 1}, {"a": 2}],
        ),
        generator,
    )
    step: Any = pick((two, [0, None], ["a", "b"], [0.5, 1.5], [0, 1], [2**62, -(2**62)]), generator)
    layer: Any = pick(([0, 1], two, [0, None], [2**63 - 1, -(2**63)]), generator)
    notes = pick(
        (b"{}", b"[" * 100_000, b"\xff", b"[]", b'{"model": 5}', b'{"\\u001b[31m": 1}', b'{"layer_ids": [1, "x"]}'),
        generator,
    )
    odd = {"\x1b[31m\n": two} if generator.random() < 0.2 else {"layer": layer}
    table = pa.table({"step": step, **odd, "counts": counts})
    return _parquet_of(table.replace_schema_metadata({canonical_parquet.KEY: notes}))


def repeat_values(content: bytes, generator: Generator) -> bytes:
    """Hold millions of equal numbers in a few bytes."""
    return pick(_repeated(), generator)


@cache
def _repeated() -> tuple[bytes, ...]:
    import pyarrow as pa

    def of(num_experts: int, num_layers: int) -> bytes:
        offsets = pa.array(np.arange(num_layers + 1) * num_experts)
        counts = pa.LargeListArray.from_arrays(offsets, pa.array(np.ones(num_experts * num_layers, dtype=np.int64)))
        layers = np.arange(num_layers)
        return _parquet_of(pa.table({"step": np.zeros_like(layers), "layer": layers, "counts": counts}))

    return of(1 << 22, 8), of(1 << 18, 8)


def _parquet_of(table: Any, **options: Any) -> bytes:
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def parquet_samples() -> tuple[bytes, ...]:
    """Return parquet files of three ways of packing."""
    import pyarrow.parquet as pq

    whole = written(canonical_parquet.write, ".parquet")
    table = pq.read_table(io.BytesIO(whole))
    plain = _parquet_of(table, compression="none", use_dictionary=False, write_statistics=False)
    return whole, plain, _parquet_of(table, compression="snappy", row_group_size=5)


PARQUET: tuple[Damage, ...] = (break_footer, break_footer, exchange_columns, repeat_values)
