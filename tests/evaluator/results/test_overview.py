"""What lies in the folders of runs is counted; what is no run is passed over."""

from __future__ import annotations

import datetime
import os
import time

import pandas as pd
import pytest

from eplb_variants import EplbError
from evaluator.results.overview import overview
from evaluator.results.schema import SCHEMA_VERSION
from evaluator.results.store import Store

WHEN = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)


def row(cell, **more):
    return {"schema_version": SCHEMA_VERSION, "cell": cell, "variant": "v", "workload": "w", "status": "ok", **more}


@pytest.fixture
def runs(tmp_path):
    """Return a folder with two runs, and with what is none."""
    for name in ("b", "a"):
        Store(tmp_path / name).prepare()
    later = WHEN + datetime.timedelta(days=1)
    store = Store(tmp_path / "a")
    store.write("1", [row("1", measured_at=WHEN, window=n) for n in range(3)])
    store.write("2", [row("2", variant="u", measured_at=later, place_seconds=0.1)])
    store.write("3", [row("3", status="failed", reason="it was bad", measured_at=WHEN)])
    Store(tmp_path / "b").write("1", [row("1", schema_version=1, workload="x", status="skipped")])
    (tmp_path / "a" / "_logs").mkdir()
    (tmp_path / "a" / "_logs" / "1.log").write_text("x" * 100_000)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.parquet").write_text("no parquet")
    (tmp_path / "others").mkdir()
    pd.DataFrame({"program": ["p"]}).to_parquet(tmp_path / "others" / "scores.parquet")
    Store(tmp_path / ".traces").prepare()
    return tmp_path


def test_runs_are_told_by_name_with_what_they_hold(runs):
    first, second = overview(runs)
    assert (first.folder.name, second.folder.name) == ("a", "b")
    assert first.cells == {"ok": 2, "failed": 1}
    assert (first.variants, first.workloads, first.timed) == (("u", "v"), ("w",), 1)
    assert first.last_measured == WHEN + datetime.timedelta(days=1)
    assert first.size > 100_000, "logs count, too"
    assert first.readable
    assert (second.cells, second.last_measured, second.readable) == ({"skipped": 1}, None, False)


def test_a_run_itself_is_told_alone(runs):
    (only,) = overview(runs / "a")
    assert only.folder == runs / "a"


def test_a_folder_that_is_not_there_is_an_error_with_the_nearest(runs):
    with pytest.raises(EplbError, match="did you mean 'empty'"):
        overview(runs / "emptyy")


def test_thousands_of_cells_take_seconds_of_processor_time(tmp_path):
    store = Store(tmp_path / "many")
    store.prepare()
    store.write("0", [row("0", gpu_load=[1.0] * 1000, window=n) for n in range(50)])
    whole = store.path("0").read_bytes()
    for number in range(1, 2000):
        store.path(str(number)).write_bytes(whole)
    began = time.process_time()
    (found,) = overview(tmp_path)
    assert found.cells == {"ok": 2000}
    assert time.process_time() - began < 20, "far above the second or two that it takes"


def test_a_pipe_in_a_run_is_passed_over_and_not_waited_for(runs):
    before = overview(runs / "a")[0].cells
    os.mkfifo(runs / "a" / "pipe.parquet")
    assert overview(runs / "a")[0].cells == before
