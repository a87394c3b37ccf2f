"""Every format is recognised by its content and read back; what is damaged or foreign is an error that says so."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from eplb_variants import EplbError
from evaluator.workloads.readers import adrs, canonical_npz, canonical_parquet, read_steps, read_trace
from evaluator.workloads.trace import Trace

COUNTS = np.random.default_rng(0).integers(0, 5000, (6, 3, 16)).astype(np.uint16)
TRACE = Trace(
    COUNTS,
    model="a model",
    top_k=2,
    num_groups=4,
    tokens_per_step=64,
    layer_ids=(3, 4, 5),
    phase="decode",
    source="a test",
    licence="MIT",
)


def write_adrs(path):
    history = [{"logical_expert_load": step.tolist(), "gpu_load": [[1.5]]} for step in COUNTS]
    path.write_text(json.dumps({"description": "x", "load_history": history, "after": [1, 2]}))


def write_sglang(path):
    content = {
        "rank": 0,
        "logical_count": torch.tensor(COUNTS.astype(np.int32)),
        "average_utilization_rate_over_window": 0.5,
    }
    torch.save(content, path)


def write_logical_count(path):
    path.write_text(json.dumps({"logical_count": COUNTS.tolist()}))


WRITERS = {
    "npz": lambda path: canonical_npz.write(TRACE, path),
    "parquet": lambda path: canonical_parquet.write(TRACE, path),
    "adrs": write_adrs,
    "sglang": write_sglang,
    "logical_count": write_logical_count,
}
SUFFIX = {"npz": ".npz", "parquet": ".parquet"}


@pytest.fixture(params=WRITERS)
def file(request, tmp_path):
    """A recording in each format, under a name that says nothing (but .npz, which NumPy would add)."""
    path = tmp_path / f"recording{SUFFIX.get(request.param, '.bin')}"
    WRITERS[request.param](path)
    return path


def test_the_counts_come_back_whatever_the_file_is_called(file):
    renamed = file.rename(file.with_name("what"))
    np.testing.assert_array_equal(read_trace(renamed).counts, COUNTS)


@pytest.mark.parametrize("kind", ["npz", "parquet"])
def test_the_canonical_forms_keep_what_is_known(tmp_path, kind):
    path = tmp_path / f"trace.{kind}"
    WRITERS[kind](path)
    back = read_trace(path)
    for name in canonical_npz.METADATA:
        assert getattr(back, name) == getattr(TRACE, name), name


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.99])
def test_a_file_that_was_cut_short_is_an_error(file, share):
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(EplbError) as caught:
        read_trace(file)
    assert file.name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"hello", "an unknown kind of file"),
        (b'{"some": "json"}', "JSON with neither 'load_history' nor 'logical_count'"),
        (b"\x80\x04K\x01.", "a pickle"),
        (b'{"logical_count": "x"}', "has shape"),
        (b'{"logical_count": [[1, 2], [3]]}', "not an array"),
        (b'{"logical_count": [[1.5, 2]]}', "whole numbers"),
        (b'{"logical_count": [[-1, 2]]}', "negative count in step 0, layer 0"),
        (b'{"a": {"logical_count": [[1]]}}', "not a key of its outermost object"),
        (b'{"load_history": []}', "is empty"),
        (b'{"load_history": [{"x": 1}]}', "step 0 .* has no 'logical_expert_load'"),
        (b'{"load_history": {"x": 1}}', "is no list"),
        (
            b'{"load_history": [{"logical_expert_load": [[1, 2]]}, {"logical_expert_load": [[1]]}]}',
            "differ in their numbers",
        ),
        (b'{"load_history": [{"logical_expert_load": [1, 2]}]}', "no table of whole numbers"),
    ],
)
def test_another_kind_of_file_is_an_error_that_says_what_was_found(tmp_path, content, says):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(EplbError, match=says):
        read_trace(path)


def test_a_missing_file_and_a_folder_are_errors(tmp_path):
    with pytest.raises(EplbError, match="there is no file"):
        read_trace(tmp_path / "missing.npz")
    with pytest.raises(EplbError, match="is not a file"):
        read_trace(tmp_path)


def test_an_archive_of_something_else(tmp_path):
    np.savez(tmp_path / "other.npz", weights=COUNTS)
    with pytest.raises(EplbError, match=r"an archive of weights.npy"):
        read_trace(tmp_path / "other.npz")


def test_nothing_is_unpickled(tmp_path):
    """A .pt whose pickle would run a command is refused, and the command is not run."""
    marker = tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return os.system, (f"touch {marker}",)

    torch.save({"logical_count": Bomb()}, tmp_path / "bomb.pt", pickle_module=pickle)
    with pytest.raises(EplbError, match="cannot be read"):
        read_trace(tmp_path / "bomb.pt")
    assert not marker.exists()


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


def test_the_stream_does_not_mind_where_its_chunks_end(tmp_path, monkeypatch):
    write_adrs(tmp_path / "load.json")
    for size in (1, 7, 100, 1001):
        monkeypatch.setattr(adrs, "CHUNK", size)
        np.testing.assert_array_equal(read_trace(tmp_path / "load.json").counts, COUNTS)


def test_a_step_may_hold_anything_beside_its_load(tmp_path):
    """Braces in strings, objects within objects, and more of them than are guessed at."""
    odd = {"name": 'a "}" and a \\', "nested": [{"x": {"y": [{}] * 30}}], "é": 1.5}
    history = [{**odd, "logical_expert_load": step.tolist(), "after": {"}": "{"}} for step in COUNTS]
    (tmp_path / "load.json").write_text(json.dumps({"load_history": history}, ensure_ascii=False, indent=1))
    np.testing.assert_array_equal(read_trace(tmp_path / "load.json").counts, COUNTS)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ([[1.5, 2]], "no table of whole numbers"),
        ([[1, 2], [3]], "no table of whole numbers"),
        ([[1, -2]], "negative count"),
        ([["x"]], "no table of whole numbers"),
        ([], "no table of whole numbers"),
        ("x", "no table of whole numbers"),
        ([[[1]]], "no table of whole numbers"),
        ([[2**70]], "an item of its 'load_history' cannot be read"),
    ],
)
def test_a_step_that_is_no_table_of_counts(tmp_path, table, says):
    (tmp_path / "load.json").write_text(json.dumps({"load_history": [{"logical_expert_load": table}]}))
    with pytest.raises(EplbError, match=says):
        read_trace(tmp_path / "load.json")


def test_json_that_is_broken_in_the_middle_is_found_at_once(tmp_path, monkeypatch):
    step = '{"logical_expert_load": [[1, 2]]}, '
    (tmp_path / "load.json").write_text('{"load_history": [' + step.replace("1,", "1,,") + 1000 * step)
    monkeypatch.setattr(adrs, "CHUNK", 256)
    read, more = [], adrs._more
    monkeypatch.setattr(adrs, "_more", lambda *given: read.append(1) or more(*given))
    with pytest.raises(EplbError, match="is no JSON"):
        read_trace(tmp_path / "load.json")
    assert len(read) < 10


def test_steps_come_one_by_one_from_every_format(file):
    np.testing.assert_array_equal(np.stack(list(read_steps(file))), COUNTS)


@pytest.mark.extra
def test_a_real_recording():
    folder = os.environ.get("EPLB_LAB_EXTRA_DATA")
    path = Path(folder or "") / "workloads" / "deepseek_v2_lite.npz"
    if not folder or not path.exists():
        pytest.skip("EPLB_LAB_EXTRA_DATA does not name a folder with workloads/deepseek_v2_lite.npz")
    trace = read_trace(path)
    assert trace.counts.shape == (518, 26, 64)
    assert (trace.counts.sum(axis=2) == trace.tokens_per_step * trace.top_k).all()
