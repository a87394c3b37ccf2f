"""The canonical parquet: rows in any order, every layer of every step, and no claim is believed."""

from __future__ import annotations

import io
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eplb_variants import EplbError
from evaluator.bench.damage import samples
from evaluator.workloads.readers import read_trace
from evaluator.workloads.readers.whole import METADATA


def parquet(metadata=None, **columns):
    file = io.BytesIO()
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), file)
    return file.getvalue()


def test_what_is_known_is_kept(recording, trace):
    back = read_trace(recording("canonical_parquet"))
    for name in METADATA:
        assert getattr(back, name) == getattr(trace, name), name


def test_a_parquet_of_something_else(tmp_path):
    pd.DataFrame({"step": [1], "x": [2]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(EplbError, match="no column 'layer', but step, x"):
        read_trace(tmp_path / "x.parquet")
    frame = pd.DataFrame({"step": [0, 0], "layer": [0, 1], "counts": [[1, 2], [3]]})
    frame.to_parquet(tmp_path / "y.parquet")
    with pytest.raises(EplbError, match="every layer of every step"):
        read_trace(tmp_path / "y.parquet")


def test_parquet_rows_may_be_in_any_order(tmp_path):
    frame = pd.DataFrame({"step": [1, 0, 1, 0], "layer": [0, 1, 1, 0], "counts": [[5, 6], [3, 4], [7, 8], [1, 2]]})
    frame.to_parquet(tmp_path / "x.parquet")
    assert read_trace(tmp_path / "x.parquet").counts.tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"step": [0, 0], "layer": [0, 0], "counts": [[1, 2], [3, 4]]}, "not every layer of every step"),
        ({"step": [0, 0, 1, 1], "layer": [0, 0, 0, 1], "counts": [[1]] * 4}, "two rows for the same step and layer"),
        ({"step": [0, None], "layer": [0, 1], "counts": [[1], [2]]}, "'step' has empty cells"),
        ({"step": [0, 0], "layer": [0, 1], "counts": [[1], None]}, "'counts' has empty cells"),
        ({"step": [0, 0], "layer": [0, 1], "counts": [[1], [None]]}, "'counts' has empty entries"),
        ({"step": [0.5, 0], "layer": [0, 1], "counts": [[1], [2]]}, "'step' holds double values"),
        ({"step": [0, 0], "layer": [0, 1], "counts": [1, 2]}, "'counts' holds int64 values"),
        ({"step": [0, 0], "layer": [0, 1], "counts": [["x"], ["y"]]}, "'counts' holds list<element: string> values"),
        ({"step": [0], "\x1b[31m": [0], "counts": [[1]]}, "but step, \\x1b[31m, counts"),
        ({"step": [0, 2**62], "layer": [2**62, 2**62], "counts": [[-1], [2]]}, "negative count in step 0, layer 0"),
    ],
)
def test_rows_that_are_no_trace_are_refused(refused, columns, says):
    assert says in refused(parquet(**columns))


def test_a_file_may_have_any_name(recording, trace, tmp_path):
    named = tmp_path / os.fsdecode(b"n\xff.parquet")
    named.write_bytes(recording("canonical_parquet").read_bytes())
    np.testing.assert_array_equal(read_trace(named).counts, trace.counts)


def test_a_column_that_is_there_twice_is_named(refused):
    file = io.BytesIO()
    numbers, counts = pa.array([0, 1]), pa.array([[1, 2], [3, 4]])
    pq.write_table(pa.table([numbers, numbers, counts, counts], names=["step", "layer", "counts", "counts"]), file)
    assert "two columns 'counts'" in refused(file.getvalue())


@pytest.mark.parametrize("notes", [b"[" * 100_000, b"\xff", b"[]"])
def test_metadata_that_is_no_object_is_refused(refused, notes):
    whole = {"step": [0], "layer": [0], "counts": [[1]]}
    assert "not a JSON object" in refused(parquet({b"eplb_lab.trace": notes}, **whole))


def test_millions_of_equal_numbers_in_a_few_bytes_are_refused(refused):
    layers = np.arange(8)
    offsets = pa.array(np.arange(9) << 22)
    counts = pa.LargeListArray.from_arrays(offsets, pa.array(np.ones(8 << 22, dtype=np.int64)))
    content = parquet(step=np.zeros_like(layers), layer=layers, counts=counts)
    assert len(content) < 100_000
    assert "which cannot be in a file of" in refused(content)


def test_a_footer_that_is_longer_than_the_file_is_refused(refused):
    whole = samples("canonical_parquet")[0]
    assert "cannot be read" in refused(whole[:-8] + b"\xff\xff\xff\x7f" + whole[-4:])
