"""``eplb runs`` says what is there and what to do next."""

from __future__ import annotations

import io
import json
import sys

from rich.console import Console

from evaluator.cli import runs, terminal
from evaluator.results.overview import RunOverview

QUICK = ["workload=quick", "workload.windows=4", "measure=quality"]


def test_an_empty_folder_says_so_and_what_to_do(eplb, tmp_path):
    done = eplb("runs", check=0)
    assert done.stdout == "there are no runs in 'runs'\nnext: eplb evaluate variant=seed\n"
    (tmp_path / "elsewhere").mkdir()
    assert "there are no runs in 'elsewhere'" in eplb("runs", "elsewhere", check=0).stdout
    assert "did you mean 'elsewhere'" in eplb("runs", "elsewher", check=2).stderr


def test_a_line_for_each_run_and_one_document_with_all_names(eplb):
    eplb("evaluate", "variant=seed", *QUICK, check=0)
    eplb("evaluate", "-m", "variant=seed,contiguous", "run=other", *QUICK, check=0)
    shown = eplb("runs", check=0).stdout
    (line,) = (line for line in shown.splitlines() if line.strip().startswith("other"))
    assert line.split()[:7] == ["other", "3", "0", "0", "0", "3", "1"]
    assert "next: eplb compare runs/other" in shown
    document = json.loads(eplb("runs", "--json", check=0).stdout)
    assert [run["run"] for run in document["runs"]] == ["default", "other"]
    assert document["runs"][1]["variants"] == ["contiguous", "deepseek", "seed"]
    assert document["runs"][1]["cells"] == {"ok": 3}


def test_80_columns_are_enough_however_large_the_numbers(tmp_path):
    many = tuple(map(str, range(999)))
    big = RunOverview(tmp_path / ("x" * 30), {"ok": 100_000, "failed": 99_999}, 99_999, many, many, None, 10**12, False)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(runs._table([big], "runs"))
    text = console.export_text()
    assert all(len(line) <= 80 for line in text.splitlines()), text
    assert "x" * 30 in text
    assert "left out: " in text
    assert "--json" in text


def test_the_command_is_named_as_the_user_can_call_it(tmp_path, monkeypatch):
    """After ``make demo`` nothing is on the path: the file that was started is named."""
    monkeypatch.chdir(tmp_path)
    command = tmp_path / ".venv" / "bin" / "eplb"
    command.parent.mkdir(parents=True)
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(command), "evaluate"])
    monkeypatch.setenv("PATH", "/usr/bin")
    assert terminal.own_command() == ".venv/bin/eplb"
    monkeypatch.setenv("PATH", str(command.parent))
    assert terminal.own_command() == "eplb"
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.chdir("/")
    assert terminal.own_command() in (str(command), str(command).removeprefix("/"))
    monkeypatch.setattr(sys, "argv", ["/somewhere/pytest"])
    assert terminal.own_command() == "eplb"
