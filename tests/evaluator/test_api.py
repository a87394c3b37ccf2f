"""``import evaluator`` offers what the command line does: the same files, the same numbers."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from pathlib import Path

import pandas as pd
import pytest

import evaluator
from eplb_variants import EplbError

SMALL = ["workload=quick", "workload.num_layers=2", "workload.windows=5", "measure=quality"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder of a small run, and the rows that evaluating it returned."""
    folder = tmp_path_factory.mktemp("runs")
    overrides = ["variant=contiguous,deepseek", "seed=0,1,2", f"runs_dir={folder}", "run=small", *SMALL]
    return folder / "small", evaluator.evaluate(*overrides, multirun=True)


def test_evaluate_returns_what_is_stored(run):
    folder, rows = run
    stored = pd.read_parquet(folder)
    assert len(rows) == len(stored) == 2 * 3 * 5
    assert set(rows["variant"]) == {"contiguous", "deepseek"}
    assert set(rows["status"]) == {"ok"}


def test_rows_that_a_launcher_lost_are_not_left_out_in_silence(tmp_path, monkeypatch):
    from evaluator.config.launching import Failure
    from evaluator.sweep import jobs

    monkeypatch.setattr(jobs, "launch", lambda *_: [Failure("out of its time")])
    with pytest.raises(EplbError, match=r"1 of the launcher's jobs lost; what was measured is kept: out of its time"):
        evaluator.evaluate(f"runs_dir={tmp_path}", "hydra/launcher=joblib", *SMALL)


def test_compare_returns_the_rows_of_its_tables_and_writes_its_files(run, tmp_path):
    files = {name: tmp_path / f"tables.{name}" for name in ("csv", "latex", "markdown")}
    table = evaluator.compare(run[0], out=tmp_path / "plots", **files)
    assert list(table["variant"]) == ["deepseek", "contiguous"]
    assert table["verdict"].iloc[1] == "worse"
    assert all(file.stat().st_size for file in files.values())
    assert list((tmp_path / "plots").glob("*.png"))


def test_without_plots_none_are_drawn(run, tmp_path):
    evaluator.compare(run[0], plots=False, out=tmp_path / "plots")
    assert not (tmp_path / "plots").exists()


def test_ablate_returns_a_row_per_effect(tmp_path):
    swept = ["variant=seed", "variant.gpu_packer.refine_steps=0,2", "reference=seed"]
    evaluator.evaluate(*swept, *SMALL, f"runs_dir={tmp_path}", multirun=True)
    effects = evaluator.ablate(tmp_path / "default", out=tmp_path, csv=tmp_path / "effects.csv")
    assert {"kind", "metric", "verdict"} <= set(effects.columns)
    assert len(pd.read_csv(tmp_path / "effects.csv")) == len(effects)


@pytest.mark.long
def test_score_returns_a_row_per_document(tmp_path):
    with resources.as_file(resources.files("evaluator.examples").joinpath("candidates", "two_moves.txt")) as document:
        rows = evaluator.score(document, overrides=[*SMALL, f"runs_dir={tmp_path}"])
    assert list(rows["verdict"]) == ["identical placements"]


def test_report_returns_the_page(run, tmp_path):
    page = evaluator.report(run[0], out=tmp_path / "page.html")
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_windows_are_those_that_are_evaluated(run):
    windows = evaluator.windows(*SMALL)
    assert windows.shape[:2] == (5, 2)
    assert (windows == evaluator.windows(*SMALL)).all()
    assert (windows != evaluator.windows(*SMALL, "seed=1")).any()


def test_a_mistake_is_one_sentence():
    with pytest.raises(EplbError, match="did you mean 'deepseek'"):
        evaluator.evaluate("variant=deepseak")


def test_importing_it_imports_nothing_heavy():
    heavy = ["pandas", "torch", "numba", "hydra", "matplotlib"]
    code = f"import sys, evaluator; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_room_shares_a_name_with_a_function():
    """Importing a module sets its name in its package, and would hide the function."""
    folder = Path(evaluator.__file__).parent
    assert not {path.stem for path in folder.iterdir()} & set(evaluator.__all__)
