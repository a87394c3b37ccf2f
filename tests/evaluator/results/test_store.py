from __future__ import annotations

import datetime
import os

import pandas as pd
import pyarrow.parquet as pq
import pytest

from eplb_variants import EplbError
from evaluator.results import schema, store
from evaluator.results.store import Damaged, Store, read_files, read_runs, read_table

ROW = {
    "schema_version": schema.SCHEMA_VERSION,
    "cell": "abc",
    "variant": "v",
    "workload": "w",
    "topology": "t",
    "seed": 0,
    "window": 0,
    "status": "ok",
    "interval": 1,
    "measured_at": datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC),
    "gpu_load": [1.0, 2.0],
    "timing_key": "k",
    "timing_valid": True,
}


def test_a_cell_comes_back_as_it_was_written(tmp_path):
    run = Store(tmp_path / "runs" / "one")
    run.prepare()
    run.write("abc", [ROW, {**ROW, "window": 1}])
    rows = run.read("abc")
    assert [row["window"] for row in rows] == [0, 1]
    assert rows[0]["gpu_load"] == [1.0, 2.0]
    assert rows[0]["balancedness_gpu_own"] is None


def test_pandas_reads_the_folder_as_it_is(tmp_path):
    """What a user is told: pandas.read_parquet of the folder, also while a cell is being written and with plots."""
    run = Store(tmp_path)
    run.write("abc", [ROW])
    run.write("def", [{**ROW, "cell": "def"}])
    (tmp_path / ".ghi-1.tmp").write_bytes(b"half a fi")
    (tmp_path / "_plots").mkdir()
    (tmp_path / "_plots" / "x.png").write_bytes(b"png")
    frame = pd.read_parquet(tmp_path)
    assert sorted(frame["cell"]) == ["abc", "def"]
    assert list(frame.columns) == [column.name for column in schema.COLUMNS]


def test_every_column_says_what_it_means(tmp_path):
    Store(tmp_path).write("abc", [ROW])
    for field in pq.read_schema(tmp_path / "abc.parquet"):
        assert field.metadata[b"meaning"]


def test_what_is_done_is_known_and_failures_are_not_done(tmp_path):
    run = Store(tmp_path)
    assert run.done("abc", "k") == (False, False)
    run.write("abc", [ROW])
    assert run.done("abc", "k") == (True, True)
    assert run.done("abc", "other settings") == (True, False)
    run.write("abc", [{**ROW, "timing_valid": False}])
    assert run.done("abc", "k") == (True, False)
    run.write("abc", [{**ROW, "status": "failed", "reason": "crashed"}])
    assert run.done("abc", "k") == (False, False)


def test_a_file_that_is_no_whole_one_is_not_done(tmp_path):
    run = Store(tmp_path)
    run.write("abc", [ROW])
    path = run.path("abc")
    path.write_bytes(path.read_bytes()[:100])
    assert run.done("abc", "k") == (False, False)


def test_a_failed_write_leaves_the_old_result(tmp_path, monkeypatch):
    run = Store(tmp_path)
    run.write("abc", [ROW])

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.pq.ParquetWriter, "write_table", full)
    with pytest.raises(EplbError, match="No space left"):
        run.write("abc", [{**ROW, "variant": "new"}])
    monkeypatch.undo()
    assert [row["variant"] for row in run.read("abc")] == ["v"]
    assert os.listdir(tmp_path) == ["abc.parquet"]


def test_a_folder_that_cannot_be_made_is_said_before_any_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EplbError, match="results cannot be written"):
        Store(tmp_path / "file" / "run").prepare()


def test_a_column_that_does_not_exist_is_a_mistake_of_ours():
    with pytest.raises(KeyError, match="balanced"):
        schema.to_table([{"balanced": 1}], schema.ARROW)


def test_runs_are_read_together(tmp_path):
    for name, cell in (("a", "abc"), ("b", "def")):
        run = Store(tmp_path / name)
        run.prepare()
        run.write(cell, [{**ROW, "cell": cell, "workload": cell}])
    assert read_runs([tmp_path / "a", tmp_path / "b"])["run"].tolist() == ["a", "b"]
    with pytest.raises(EplbError, match="did you mean"):
        read_runs([tmp_path / "aa"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(EplbError, match="no results in"):
        read_runs([tmp_path / "empty"])


def test_of_alike_cells_the_newest_and_of_the_same_cell_the_timed_one_is_read(tmp_path):
    """An edited variant leaves its old cell behind; a second folder may hold the same cell without its times."""
    day = datetime.timedelta(days=1)
    old, new = ({**ROW, "cell": c, "measured_at": ROW["measured_at"] + n * day} for c, n in (("old", 0), ("new", 1)))
    for folder, written in (("a", [old, {**new, "place_seconds": 0.5}]), ("b", [{**new, "measured_at": None}])):
        run = Store(tmp_path / folder)
        run.prepare()
        for row in written:
            run.write(row["cell"], [row, {**row, "window": 1}])
    frame = read_runs([tmp_path / "a", tmp_path / "b"])
    assert frame["cell"].tolist() == ["new", "new"]
    assert frame["run"].tolist() == ["a", "a"]
    assert frame["place_seconds"].tolist() == [0.5, 0.5]


def test_what_a_killed_process_left_is_cleared_away(tmp_path):
    (tmp_path / ".abc-1.tmp").write_bytes(b"half")
    (tmp_path / ".def-2.tmp").write_bytes(b"being written")
    os.utime(tmp_path / ".abc-1.tmp", (0, 0))
    Store(tmp_path).prepare()
    assert os.listdir(tmp_path) == [".def-2.tmp"]


def test_a_damaged_file_is_named(tmp_path):
    Store(tmp_path).write("abc", [ROW])
    (tmp_path / "abc.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(EplbError, match=r"abc.parquet' is no whole parquet file"):
        read_runs([tmp_path])


def test_a_pipe_or_a_folder_in_the_place_of_a_file_is_not_waited_for(tmp_path):
    """Whoever opened the pipe would wait for somebody to write to it, past any signal."""
    os.mkfifo(tmp_path / "abc.parquet")
    (tmp_path / "def.parquet").mkdir()
    for cell in ("abc", "def"):
        assert Store(tmp_path).read(cell) == []
        with pytest.raises(Damaged, match="it is no file"):
            read_table(tmp_path / f"{cell}.parquet")
    Store(tmp_path).write("abc", [ROW])
    assert len(Store(tmp_path).read("abc")) == 1


def test_results_of_a_newer_version_are_refused(tmp_path):
    Store(tmp_path).write("abc", [{**ROW, "schema_version": 99}])
    with pytest.raises(EplbError, match="of schema version 99: this eplb-lab reads 2"):
        read_runs([tmp_path])


def test_rows_are_written_a_batch_at_a_time_and_come_back_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "BATCH", 4)
    run = Store(tmp_path)
    with run.writer("abc") as add:
        for window in range(11):
            add({**ROW, "window": window})
    assert [row["window"] for row in run.read("abc")] == list(range(11))
    assert store.pq.ParquetFile(run.path("abc")).num_row_groups == 3


def test_rows_that_end_in_an_error_are_not_a_result(tmp_path):
    run = Store(tmp_path)
    run.write("abc", [{**ROW, "window": 7}])

    def die():
        with run.writer("abc") as add:
            add(ROW)
            raise OSError("of the variant's own")

    with pytest.raises(OSError, match="of the variant's own"):
        die()
    assert [row["window"] for row in run.read("abc")] == [7]
    assert [path.name for path in tmp_path.iterdir()] == ["abc.parquet"]


def test_amended_columns_are_new_and_the_rest_is_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "BATCH", 2)
    run = Store(tmp_path)
    run.write("abc", [{**ROW, "window": window} for window in range(5)])
    before = run.read("abc")
    run.amend("abc", {"place_seconds": 0.5, "timing_valid": True})
    assert run.read("abc") == [{**row, "place_seconds": 0.5, "timing_valid": True} for row in before]


def test_a_file_without_a_column_is_read_as_null_and_can_be_timed(tmp_path):
    """Files of before the column ``overrides`` are as good as others."""
    old = schema.arrow_schema(tuple(column for column in schema.COLUMNS if column.name != "overrides"))
    Store(tmp_path, old).write("abc", [ROW])
    assert read_runs([tmp_path])["overrides"].isna().all()
    Store(tmp_path).amend("abc", {"place_seconds": 0.5})
    (row,) = Store(tmp_path).read("abc")
    assert (row["variant"], row["place_seconds"], row["overrides"]) == ("v", 0.5, None)


def test_a_folder_of_runs_is_no_run_and_names_those_in_it(tmp_path):
    for name in ("one", "two"):
        Store(tmp_path / name).prepare()
        Store(tmp_path / name).write("abc", [ROW])
    (tmp_path / "x.parquet").mkdir()
    with pytest.raises(EplbError, match=r"it holds the runs .*/one, .*/two, name one or several of these"):
        read_runs([tmp_path])


def test_no_files_are_no_rows():
    frame = read_files([])
    assert frame.empty
    assert {"variant", "status"} <= set(frame.columns)
