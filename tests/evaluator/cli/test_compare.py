"""``eplb compare`` and each of its flags, on a run made once."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from evaluator.cli.main import main

SMALL = ["workload.num_layers=3", "workload.windows=8", "timing.rounds=3", "timing.min_rounds=3"]
VARIANTS = ["contiguous", "deepseek", "seed"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder of a run of three variants on two workloads."""
    folder = tmp_path_factory.mktemp("runs")
    overrides = [*SMALL, f"runs_dir={folder}", "variant=seed,contiguous", "workload=dsr1_decode,mild"]
    assert main(["evaluate", "-m", *overrides, "--json"]) == 0
    return folder / "default"


@pytest.fixture
def compare(run, tmp_path, capsys):
    """Return a function that compares the run, and gives its exit code, output and errors."""

    def call(*arguments):
        capsys.readouterr()
        code = main(["compare", str(run), "--out", str(tmp_path / "plots"), *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_without_flags_there_are_tables_and_plots(compare, tmp_path):
    code, out, err = compare()
    assert code == 0
    assert err == ""
    assert out.count("mean of 7 windows") == 1, "it is said once of both workloads"
    assert "all 2 workloads and topologies" in out
    assert "mean rank" in out
    assert "interquartile mean" in out
    assert f"plot: {tmp_path / 'plots' / 'performance_profile.png'}" in out
    assert (tmp_path / "plots" / "difference_by_window.svg").exists()


def test_no_plots_draws_nothing(compare, tmp_path):
    code, out, _ = compare("--no-plots")
    assert code == 0
    assert "plot:" not in out
    assert not (tmp_path / "plots").exists()


def test_by_window_shows_each_window(compare):
    code, out, _ = compare("--by", "window", "--no-plots")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert lines.count(["window", "seed", "contiguous"]) == 2
    assert [line[0] for line in lines if line and line[0].isdigit()] == [str(n) for n in range(7)] * 2
    assert "interquartile mean" not in out


def test_by_layer_shows_each_layer(compare, run):
    code, out, _ = compare("--by", "layer", "--no-plots")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    (row, *_) = [line for line in lines if line and line[0] == "0"]
    frame = pd.read_parquet(run)
    first = frame[frame["workload"].str.startswith("dsr1_decode") & (frame["variant"] == "deepseek")]
    stored = first[first["gpu_load"].notna()].iloc[0]
    gpus = int(stored["num_gpus"])
    header = next(line for line in lines if line and line[0] == "layer")
    assert float(row[header.index("deepseek")]) == pytest.approx(stored["gpu_load"][:gpus].max(), abs=1e-3)


def test_ties_are_what_renamed_experts_do_to_the_reference(compare, tmp_path):
    code, out, _ = compare("--ties", "3", "--no-plots", "--markdown", str(tmp_path / "all.md"))
    assert code == 0
    assert "ties: deepseek with experts renamed, 3 times" in out
    assert "ties: deepseek with experts renamed, 3 times" in (tmp_path / "all.md").read_text()
    assert out.index("interquartile mean") < out.index("ties: deepseek")
    ties = json.loads(compare("--ties", "3", "--no-plots", "--json")[1])["ties"]
    assert [one["renamings"] for one in ties] == [3, 3, 3], "two workloads, and both"


def test_without_a_suite_there_are_no_parts(compare):
    code, _, err = compare("--part", "training")
    assert code == 2
    assert "nothing was measured on a training part" in err


def test_a_part_of_a_suite_is_compared_alone(tmp_path, capsys):
    said = (
        "name: mine\ntraining:\n  one: {choose: CHOOSE, seeds: [1]}\nheld_out:\n  one: {choose: CHOOSE, seeds: [2]}\n"
    )
    (tmp_path / "suite").mkdir()
    choose = "workload=mild workload.num_layers=2 workload.windows=6 topology=adrs"
    (tmp_path / "suite" / "mine.yaml").write_text(said.replace("CHOOSE", choose))
    conf = ["--config-dir", str(tmp_path), "variant=seed,deepseek", "suite=mine", "measure=quality"]
    assert main(["evaluate", "-m", *conf, f"runs_dir={tmp_path}/runs"]) == 0
    for part, more in (("training", ""), ("held-out", " (held-out)")):
        capsys.readouterr()
        table = str(tmp_path / f"{part}.csv")
        assert main(["compare", f"{tmp_path}/runs/default", "--part", part, "--no-plots", "--csv", table]) == 0
        (load,) = set(pd.read_csv(table)["load"])
        assert load == f"mild[num_layers=2,windows=6]{more} on adrs"


def test_one_renaming_shows_nothing(compare):
    code, _, err = compare("--ties", "1")
    assert code == 2
    assert "--ties is 1: what ties do shows in 2 renamings or more" in err


def test_json_is_one_document_and_the_rest_is_on_stderr(compare):
    code, out, err = compare("--json", "--by", "window", "--fail-if-worse=seed")
    assert code == 0
    document = json.loads(out)
    assert document["schema_version"] == 1
    assert {row["variant"] for row in document["overall"]["aggregates"]} == set(VARIANTS)
    assert len(document["summaries"]) == 2
    assert len(document["by_window"]) == 2 * 7 * 2
    assert document["gate"] == []
    assert "plot:" in err


def test_csv_and_latex_are_written(compare, tmp_path):
    code, out, _ = compare("--no-plots", "--csv", str(tmp_path / "a.csv"), "--latex", str(tmp_path / "a.tex"))
    assert code == 0
    frame = pd.read_csv(tmp_path / "a.csv")
    assert len(frame) == 3 * 3
    assert {"load", "variant", "rank", "improvement", "front", "iqm"} <= set(frame.columns)
    text = (tmp_path / "a.tex").read_text()
    assert text.count(r"\toprule") == 4
    assert r"dsr1\_decode[num\_layers=3,windows=8] on adrs" in text
    assert f"csv: {tmp_path / 'a.csv'}" in out
    assert compare("--no-plots", "--by", "layer", "--csv", str(tmp_path / "b.csv"))[0] == 0
    assert list(pd.read_csv(tmp_path / "b.csv").columns) == ["load", "layer", "variant", "peak", "cells"]


def test_markdown_is_printed_in_place_of_the_tables(compare):
    code, out, _ = compare("--no-plots", "--markdown", "-")
    assert code == 0
    tables = [line for line in out.splitlines() if line.startswith("|")]
    assert len(tables) == 4 * (2 + 3)
    assert all(line.count("|") - line.count("\\|") == tables[0].count("|") for line in tables[:5])
    assert "**dsr1\\_decode\\[num\\_layers=3,windows=8\\] on adrs**" in out


def test_markdown_is_written_to_a_file(compare, tmp_path):
    code, out, _ = compare("--no-plots", "--markdown", str(tmp_path / "a.md"), "--by", "window")
    assert code == 0
    assert f"markdown: {tmp_path / 'a.md'}" in out
    assert (tmp_path / "a.md").read_text().count("| window |") == 2


def test_a_run_that_was_timed_beside_another_has_no_verdict_on_time(compare):
    code, out, _ = compare("--no-plots", "--json", "--reference", "seed")
    assert code == 0
    document = json.loads(out)
    lines = {row["variant"]: row for row in document["overall"]["variants"]}
    assert {name: row["time_verdict"] for name, row in lines.items() if row["time_verdict"]} == {"deepseek": "control"}
    assert all("no verdict on time against seed" in " ".join(notes) for notes in document["notes"].values())


@pytest.mark.long
def test_two_commands_with_different_references_are_not_averaged(tmp_path, capsys):
    """As in a first session: one run, first beside one variant, then on another workload beside another."""
    small = [*SMALL, f"runs_dir={tmp_path}", "variant=seed,deepseek"]
    assert main(["evaluate", "-m", *small, "workload=dsr1_decode"]) == 0
    assert main(["evaluate", "-m", *small, "workload=mild", "reference=seed"]) == 0
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "default"), "--reference", "seed", "--no-plots", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["time_ratio"] for row in document["overall"]["variants"]] == [None, None]
    _, note = document["notes"]["all 2 workloads and topologies"]
    assert "taken beside deepseek and seed" in note
    assert "eplb evaluate ... reference=seed measure=time refresh=true" in note
    again = [*small, "workload=dsr1_decode,mild", "reference=seed", "measure=time", "refresh=true"]
    assert main(["evaluate", "-m", *again]) == 0
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "default"), "--reference", "seed", "--no-plots", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["overall"]["variants"]
    assert all(row["time_ratio"] for row in rows)


def test_the_gate_says_no(compare):
    code, out, err = compare("--no-plots", "--fail-if-worse")
    assert code == 1
    assert "eplb: gate: contiguous is worse than deepseek: -" in err
    assert "gate" not in out
    assert compare("--no-plots", "--fail-if-worse=seed")[0] == 0
    assert compare("--no-plots", "--fail-if-worse=seed", "--fail-if-worse", "contiguous")[0] == 1
    assert compare("--no-plots", "--fail-if-worse", "--reference", "contiguous")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--fail-if-worse=sed"], "no measured variant 'sed': did you mean 'seed'"),
        (["--reference", "sed"], "no measured variant 'sed': did you mean 'seed'"),
        (["--csv", "/nowhere/a.csv"], "'/nowhere/a.csv' cannot be written"),
        (["--latex", "/nowhere/a.tex"], "'/nowhere/a.tex' cannot be written"),
        (["--markdown", "/nowhere/a.md"], "'/nowhere/a.md' cannot be written"),
        (["--markdown", "-", "--json"], "--json and --markdown - both print on standard output"),
    ],
)
def test_mistakes_are_sentences(compare, arguments, says):
    code, _, err = compare("--no-plots", *arguments)
    assert code == 2
    assert says in err


def test_an_unknown_view_is_refused(compare, capsys):
    with pytest.raises(SystemExit) as caught:
        compare("--by", "expert")
    assert caught.value.code == 2
    assert "invalid choice: 'expert'" in capsys.readouterr().err


def test_the_table_is_of_tokens_that_are_split_by_load(compare):
    even, flow = (json.loads(compare("--dispatch", how, "--no-plots", "--json")[1]) for how in ("even", "flow"))
    ways = [[row["balancedness_gpu_next"] for row in table["overall"]["variants"]] for table in (even, flow)]
    pairs = list(zip(*map(sorted, ways), strict=True))
    assert all(flow >= even for even, flow in pairs), "those of no replicas are what they are"
    assert any(flow > even for even, flow in pairs)
    assert "by their load" in " ".join(compare("--dispatch", "flow", "--no-plots")[1].split())
    with pytest.raises(SystemExit):
        compare("--dispatch", "flaw")


def test_rows_are_chosen_by_what_they_are_of(compare):
    where = "--where", "workload=mild", "--where", "variant=seed,deepseek"
    code, out, err = compare(*where, "--no-plots", "--json")
    assert (code, err) == (0, "")
    chosen = json.loads(out)
    assert {row["variant"] for row in chosen["overall"]["variants"]} == {"seed", "deepseek"}
    assert "mild" in json.dumps(chosen)
    assert "dsr1_decode" not in json.dumps(chosen["notes"])


@pytest.mark.parametrize(
    ("choice", "said"),
    [("mild", "must be COLUMN=VALUE"), ("load=mild", "no column to choose by"), ("workload=mold", "mild")],
)
def test_a_choice_that_cannot_be_is_a_sentence(compare, choice, said):
    code, _, err = compare("--where", choice)
    assert code == 2
    assert said in err
