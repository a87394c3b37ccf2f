"""A board: entries are judged again, what they claim stands beside what was found, and one page shows it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evaluator.board.entry import Card, Claim, Entry, read_entry
from evaluator.board.judging import How, _front, judged
from evaluator.board.page import render, write_board
from evaluator.board.shipped import shipped_entries
from evaluator.candidates.documents.apply import apply_document
from evaluator.candidates.documents.document import parse_document
from evaluator.candidates.program import example_program
from evaluator.results.archived import ARCHIVE, beside_archive, write_archive
from evaluator.results.schema import ARROW
from evaluator.results.store import read_runs
from evaluator.sweep.plan import make_plan
from evaluator.sweep.run import run

SHIPPED = ["deepseek", "contiguous", "lab_still", "ultraep"]


def entry(name, claims=(), **what):
    return Entry(Card(name, ("somebody",), "MIT", claims=claims), **what)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Return a board of shipped variants alone, which needs nothing but the archive."""
    folder = tmp_path_factory.mktemp("board")
    return judged(shipped_entries(SHIPPED), How(folder=folder, measure="quality"))


def test_what_ships_is_on_the_board_without_a_run(rows):
    found = {row["entry"]: row for row in rows}
    assert list(found) == ["lab_still", "ultraep", "deepseek", "contiguous"], "best first"
    assert (found["deepseek"]["verdict"], found["deepseek"]["confirmed"]) == ("reference", None)
    assert found["lab_still"]["confirmed"] is True
    assert found["contiguous"]["verdict"] == "worse"
    assert found["lab_still"]["dispatched"] > found["lab_still"]["next"]
    assert {name for name, row in found.items() if row["front"]} == {"lab_still", "ultraep"}
    assert all(row["status"] == "ok" and row["version"] for row in rows)


def test_the_archive_has_what_is_measured_now(tmp_path):
    """Of two variants on one stratum of each part: results ship, and code that gives others must ship others."""
    plan = make_plan(
        ["suite=eplb_1", "variant=lab_sticky,ultraep", f"runs_dir={tmp_path}", "measure=quality"], multirun=True
    )
    few = [cell for cell in plan.cells if cell.workload.name.startswith("small_batch")][::5]
    assert len({cell.variant.name for cell in few}) >= 2
    run(plan.__class__(**{**vars(plan), "cells": few}))
    frame = read_runs([plan.folder])
    kept = read_runs([ARCHIVE])
    keys = ["variant", "workload_content", "topology", "seed", "part", "window"]
    both = frame.merge(kept, on=keys, suffixes=("", "_kept"))
    assert len(both) == len(frame) > 0
    for column in ("balancedness_gpu_next", "balancedness_gpu_own", "moved_slots", "balancedness_gpu_dispatch_next"):
        here, kept = both[column], both[f"{column}_kept"]
        assert np.allclose(here, kept, rtol=1e-6, atol=1e-6, equal_nan=True), f"{column}: make archive"


def test_a_run_stands_beside_the_archive_on_its_own_loads():
    frame = read_runs([ARCHIVE])
    mine = frame[(frame["variant"] == "lab_best") & (frame["part"] == "training")].assign(variant="mine")
    both = beside_archive(mine)
    assert set(both["part"]) == {"training"}
    assert set(both["variant"]) == {"mine", *frame["variant"].unique()}
    assert len(both) == len(mine) * both["variant"].nunique()
    again = beside_archive(mine.assign(variant="deepseek"))
    assert (again["variant"] == "deepseek").sum() == len(mine), "what was measured stands for what ships"
    with pytest.raises(Exception, match="so must a run be"):
        beside_archive(mine.assign(workload_content="another"))


def test_an_archive_is_written_of_a_run_of_one_suite(tmp_path):
    file = tmp_path / "again" / "eplb_1.parquet"
    shutil.copytree(ARCHIVE, tmp_path / "run")
    assert write_archive(tmp_path / "run", file) == read_runs([ARCHIVE])["variant"].nunique()
    pd.testing.assert_frame_equal(
        read_runs([file.parent]).drop(columns="run"), read_runs([ARCHIVE]).drop(columns="run")
    )


@pytest.mark.parametrize(("status", "kept"), [("skipped", True), ("failed", False)])
def test_what_needs_a_package_is_left_out_of_an_archive_and_a_failure_is_refused(tmp_path, status, kept):
    shutil.copytree(ARCHIVE, tmp_path / "run")
    (file,) = (tmp_path / "run").glob("*.parquet")
    rows = pq.read_table(file).to_pylist()
    rows.append({**rows[0], "variant": "guest", "cell": "c", "status": status, "reason": "it is not installed"})
    pq.write_table(pa.Table.from_pylist(rows, schema=ARROW), file)
    if kept:
        assert write_archive(tmp_path / "run", tmp_path / "a.parquet") == read_runs([ARCHIVE])["variant"].nunique()
        return
    with pytest.raises(Exception, match="guest is failed: it is not installed"):
        write_archive(tmp_path / "run", tmp_path / "a.parquet")


def test_the_front_is_of_balance_and_moved_slots_and_ties_are_on_it():
    rows = [
        {"next": 0.9, "moved": 0.5},
        {"next": 0.9005, "moved": 0.5},
        {"next": 0.8, "moved": 0.1},
        {"next": 0.7, "moved": 0.2},
    ]
    _front(rows)
    assert [row["front"] for row in rows] == [True, True, True, False]


def test_a_page_shows_claims_and_hides_no_script(rows, tmp_path):
    hostile = "</script><script>alert(1)</script>"
    row = {**rows[0], "entry": "x", "authors": hostile, "summary": hostile, "licence": hostile}
    claims = [{"claim": "next at least 2", "found": row["next"], "holds": False}]
    row["claims"] = json.dumps(claims)
    failed = {
        **dict.fromkeys(row),
        "entry": "bad",
        "kind": "program",
        "status": "invalid",
        "reason": hostile,
        "authors": "a",
        "licence": "b",
    }
    page = render([*rows, row, failed], How())
    assert hostile not in page
    assert "does not hold" in page
    assert "1 of 1 not" in page
    assert "1 entry has no numbers" in page
    written, table = write_board([*rows, row, failed], How(), tmp_path / "out")
    assert written.read_text() == page
    assert pq.read_table(table).num_rows == 6


def test_two_entries_of_one_name_are_refused(tmp_path):
    twice = [entry("deepseek", program="x = 1"), *shipped_entries(["deepseek"])]
    with pytest.raises(Exception, match="two entries are called 'deepseek'"):
        judged(twice, How(folder=tmp_path))


@pytest.mark.long
def test_programs_and_variants_are_judged_again_and_their_claims_compared(tmp_path):
    """On the small suite: an unchanged program, one that fails, and a variant that a search might have written."""
    variant = {"forecaster": "last", "placer": "at_home"}
    entries = [
        *shipped_entries(["deepseek"]),
        entry(
            "same",
            (Claim("difference", "at_least", -0.001), Claim("next", "at_least", 0.99)),
            program=example_program().source,
        ),
        entry("fails", program="def rebalance_experts(*_):\n    raise ValueError\n"),
        entry("home", variant=variant),
    ]
    how = How(folder=tmp_path, measure="quality", jobs=2)
    rows = {row["entry"]: row for row in judged(entries, how)}
    assert rows["same"]["verdict"] == "identical placements"
    assert [claim["holds"] for claim in json.loads(rows["same"]["claims"])] == [True, False]
    assert rows["same"]["next"] == pytest.approx(rows["deepseek"]["next"], abs=0.002)
    assert (rows["fails"]["next"], rows["fails"]["status"]) == (None, "invalid")
    assert (rows["home"]["verdict"], rows["home"]["moved"]) == ("worse", 0.0)
    assert list(rows)[-1] == "fails"


@pytest.mark.long
def test_an_entry_of_a_name_that_another_had_before_is_shown_as_it_is(tmp_path):
    """What was measured of both is in one run: a board must not show the newer one's numbers for the older."""
    how = How(folder=tmp_path, measure="quality")
    first, second = ({"forecaster": "last", "placer": placer} for placer in ("round_robin", "contiguous"))
    shown = []
    for variant in (first, second, first):
        rows = judged([*shipped_entries(["round_robin", "contiguous"]), entry("mine", variant=variant)], how)
        shown.append({row["entry"]: row["next"] for row in rows})
    assert [board["mine"] for board in shown] == pytest.approx(
        [shown[0][name] for name in ("round_robin", "contiguous", "round_robin")], abs=1e-9
    )


def test_the_programs_of_examples_are_what_its_candidates_make():
    """An entry is a whole program: these must not grow apart from the documents that they are made of."""
    from importlib import resources

    examples = resources.files("evaluator.examples")
    parent = example_program().source
    for name in ("diverse_packing", "even_swap", "two_moves"):
        text = examples.joinpath("candidates", f"{name}.txt").read_text()
        program = apply_document(parse_document(text, parent, strict=False), parent).program
        assert examples.joinpath("entries", name, "program.py").read_text() == program
    whole = examples.joinpath("candidates", "snake_deal.py").read_text()
    assert examples.joinpath("entries", "snake_deal", "program.py").read_text() == whole


def test_the_examples_are_entries():
    from importlib import resources
    from pathlib import Path

    folder = Path(str(resources.files("evaluator.examples").joinpath("entries")))
    found = [read_entry(path) for path in sorted(folder.iterdir()) if path.is_dir() and path.name != "__pycache__"]
    assert len(found) >= 6
    assert {one.kind for one in found} == {"program", "variant"}
    assert any(one.card.claims for one in found)
