"""A JSON with counts, one step or several; whatever else stands in its lists is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from evaluator.workloads.readers import logical_count, read_trace


def test_one_step_and_several_are_read(recording, tmp_path, counts):
    np.testing.assert_array_equal(read_trace(recording("logical_count")).counts, counts)
    (tmp_path / "one.json").write_text(json.dumps({"logical_count": counts[0].tolist()}))
    np.testing.assert_array_equal(read_trace(tmp_path / "one.json").counts, counts[:1])


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("[[1, 2], [3]]", "its lists differ in length"),
        ("[[1, 2], 3]", "its lists differ in length"),
        ("[[[[1]]]]", "more than three levels"),
        ("[]", "has shape [0]"),
        ('[["x", 1]]', "holds str values"),
        ("[[true, 1]]", "holds bool values"),
        ("[[null, 1]]", "holds NoneType values"),
        ("[[NaN, 1]]", "float64 values"),
        ("[[1.5, 1]]", "whole numbers"),
        ("[[1e400, 1]]", "whole numbers"),
        ("[[1e300, 1]]", "whole numbers"),
        (f"[[{2**70}, 1]]", "too large to be a count"),
        (f"[[{2**50}, 1]]", "a count above"),
        ("[[" + "9" * 5000 + "]]", "cannot be read"),
        ("[" * 100_000, "nested too deeply"),
        ("[[1, 2]", "it may be cut short"),
    ],
)
def test_what_is_no_table_of_counts_is_refused(refused, table, says):
    assert says in refused(f'{{"logical_count": {table}}}'.encode())


def test_one_long_text_does_not_make_all_numbers_as_long(refused):
    """An array of texts is as wide as its longest: a thousand times a megabyte."""
    table = [["x" * (1 << 20)] + [str(number) for number in range(1000)]]
    assert "holds str values" in refused(json.dumps({"logical_count": table}).encode())


def test_a_file_that_would_fill_the_memory_is_refused(refused, monkeypatch):
    monkeypatch.setattr(logical_count, "LARGEST", 100)
    assert "keep so much as .npz or parquet" in refused(b'{"logical_count": [[' + b"1, " * 100 + b"1]]}")
