"""A page is made from run folders, whoever asks for it."""

from __future__ import annotations

from evaluator.reports.making import DEFAULT_NAME, make_report
from evaluator.results.store import read_runs

from .conftest import SCORE


def test_the_page_lies_in_the_first_run_where_no_file_is_named(run_folder):
    made = make_report([run_folder], SCORE)
    assert made.path == run_folder / DEFAULT_NAME
    assert made.path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_it_lies_where_it_is_asked_for_and_failures_are_counted(run_folder, tmp_path):
    made = make_report([run_folder], SCORE, "deepseek", tmp_path / "page.html")
    assert made.path == tmp_path / "page.html"
    rows = read_runs([run_folder])
    assert made.failures == rows.loc[rows["status"] != "ok", "cell"].nunique() > 0
