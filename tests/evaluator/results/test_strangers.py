"""Result files of a stranger: read or refused in a sentence, nothing of them reaches a terminal or another folder."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eplb_variants import EplbError
from evaluator.cli.main import main
from evaluator.files import own_path
from evaluator.results.store import read_runs
from evaluator.sweep.plan import make_plan
from evaluator.sweep.run import run

SMALL = ("workload=quick", "workload.num_layers=2", "workload.windows=4", "measure=quality")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    plan = make_plan(
        [*SMALL, "variant=deepseek,contiguous", f"runs_dir={tmp_path_factory.mktemp('runs')}", "run=r"], multirun=True
    )
    run(plan)
    return sorted(plan.folder.glob("*.parquet"))


@pytest.fixture
def changed(measured, tmp_path):
    """Return a function from changes of a table to the folder of a run with one whole file, and one so changed."""

    def write(change):
        folder = tmp_path / "strange"
        folder.mkdir()
        for file, make in zip(measured, (change, lambda table: table), strict=True):
            pq.write_table(make(pq.read_table(file)), folder / file.name)
        return folder

    return write


def with_column(name, values):
    def change(table):
        at = table.column_names.index(name)
        return table.set_column(at, name, pa.array([values] * table.num_rows))

    return change


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (with_column("variant", None), "the column 'variant' lacks values"),
        (with_column("variant", ["a", "b"]), "its columns are of other types"),
        (with_column("window", 0), "a cell has two rows of one window"),
        (with_column("moved_slots", np.inf), "the column 'moved_slots' holds infinity"),
        (with_column("gpu_load", [1.0, 2.0]), "has not a number for each GPU of each layer"),
        (lambda table: table.append_column("variant", table["variant"]), "two columns of one name"),
    ],
)
def test_what_are_no_results_is_said_in_a_sentence(changed, capsys, change, why):
    folder = changed(change)
    with pytest.raises(EplbError, match=why):
        read_runs([folder])
    assert main(["report", str(folder)]) == 2
    assert main(["compare", str(folder)]) == 2
    assert capsys.readouterr().err.count(why) == 2


def test_names_cannot_reach_the_terminal_or_stop_a_plot(changed, capsys):
    evil = "\x1b[31m[bold]$x_{$</script>"

    def change(table):
        return with_column("topology", evil)(with_column("workload", evil)(table))

    folder = changed(change)
    assert main(["compare", str(folder)]) == 0
    assert main(["report", str(folder)]) == 0
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert r"\x1b[31m[bold]$x_{$" in said.out + said.err
    assert "\x1b" not in (folder / "_report.html").read_text()


@pytest.mark.parametrize("name", ["_report.html", "_plots"])
def test_nothing_is_written_through_a_link_out_of_the_folder(changed, tmp_path, capsys, name):
    folder = changed(lambda table: table)
    victim = tmp_path / "victim"
    victim.mkdir() if name == "_plots" else victim.write_text("precious")
    (folder / name).symlink_to(victim)
    assert main(["report" if name == "_report.html" else "compare", str(folder)]) == 2
    assert "is a link that leads out of the folder" in capsys.readouterr().err
    assert not list(victim.iterdir()) if name == "_plots" else victim.read_text() == "precious"


def test_links_within_a_folder_and_in_a_circle(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "within").symlink_to("real")
    (tmp_path / "round").symlink_to("round")
    assert own_path(tmp_path, "within") == tmp_path / "within"
    assert own_path(tmp_path, "new") == tmp_path / "new"
    with pytest.raises(EplbError, match="leads out"):
        own_path(tmp_path, "round")
