"""``eplb score`` as a user, or an evolution, runs it."""

from __future__ import annotations

import json
import os
from importlib import resources

import pandas as pd
import pytest
from rich.cells import cell_len

from evaluator.candidates.judging.schema import ARROW, TIMED_OUT
from evaluator.cli import score

EXAMPLES = resources.files("evaluator.examples").joinpath("candidates")
SMALL = ["workload.num_layers=2", "workload.windows=4", "measure=quality", "--traces=3", "--held-out=3"]
PROGRAM = resources.files("evaluator.examples").joinpath("programs", "balancer.py").read_text()


@pytest.fixture
def folder(tmp_path):
    """Return twenty copies and variations of the examples: a handful of distinct programs."""
    folder = tmp_path / "candidates"
    folder.mkdir()
    names = ["two_moves.txt", "even_swap.txt", "global_packing.txt", "snake_deal.py"]
    for number in range(20):
        text = EXAMPLES.joinpath(names[number % 4]).read_text()
        suffix = names[number % 4].rpartition(".")[2]
        (folder / f"candidate_{number:02}.{suffix}").write_text(text)
    return folder


@pytest.mark.long
def test_twenty_documents_are_judged_once_per_program(eplb, folder, tmp_path):
    done = eplb("score", str(folder), "--json", "--jobs", "2", *SMALL, check=0)
    document = json.loads(done.stdout)
    assert document["programs"] == 3
    verdicts = [line["verdict"] for line in document["candidates"]]
    assert len(verdicts) == 20
    assert verdicts.count("rejected") == 5
    assert verdicts.count("identical placements") == 5
    assert len([line for line in document["candidates"] if line["same_as"]]) == 12
    rows = pd.read_parquet(tmp_path / "runs" / "scores")
    assert len(rows) == 3

    again = eplb("score", str(folder), *SMALL, check=0)
    assert "20 documents, 3 distinct programs" in again.stdout
    assert pd.read_parquet(tmp_path / "runs" / "scores")["measured_at"].tolist() == rows["measured_at"].tolist()


def test_the_table_says_what_was_found(eplb, tmp_path):
    (tmp_path / "broken.py").write_text(PROGRAM.replace("stable=True", "stables=True"))
    example = str(EXAMPLES.joinpath("global_packing.txt"))
    done = eplb("score", "broken.py", example, *SMALL, "seed=3", check=0)
    assert "isolation: landlock" in done.stdout
    assert "invalid" in done.stdout
    assert "broken: invalid: crashed: TypeError in line" in done.stdout
    assert "global_packing: under openevolve: another program" in done.stdout


def test_what_holds_for_all_is_said_once_and_no_word_twice(capsys):
    heading = dict.fromkeys(("suite", "parent", "matching", "isolation", "folder"), "x")
    heading |= dict.fromkeys(("workload", "topology", "training_traces", "held_out_traces"), "y")
    line = dict.fromkeys(ARROW.names) | {"verdict": TIMED_OUT, "detail": "no answer in 20 s", "same_as": None}
    rows = [line | {"candidate": name, "notes": ["a whole program takes the parent's place"]} for name in "ab"]
    score._print(heading | {"programs": 2}, rows)
    said = capsys.readouterr().out
    assert said.count("a whole program takes the parent's place") == 1
    assert "all 2 documents: a whole program takes the parent's place" in said
    assert "\na: timed out: no answer in 20 s\n" in said


def test_names_are_printed_as_they_are_and_nothing_obeys_them(capsys):
    """Markup is text, what a terminal might obey is written out, and wide letters have their width."""
    heading = dict.fromkeys(("suite", "parent", "matching", "isolation", "folder"), "x")
    heading |= dict.fromkeys(("parent", "folder"), "\x1b[31mx")
    heading |= dict.fromkeys(("workload", "topology", "training_traces", "held_out_traces"), "y")
    line = dict.fromkeys(ARROW.names) | {"verdict": TIMED_OUT, "detail": "no \x1b[2J answer", "same_as": None}
    names = ["[/red]", "[bold]a[/bold]", "\u65e5\u672c", "plain"]
    score._print(heading | {"programs": 2}, [line | {"candidate": name, "notes": [f"{name}\r"]} for name in names])
    said = capsys.readouterr().out
    assert said.replace("\n", "").isprintable()
    for name in names:
        assert f"\n {name}" in said
        assert f"{name}: timed out: no \\x1b[2J answer" in said
    rows = [row for row in said.split("\n") if row.startswith(" ") and TIMED_OUT in row]
    assert len({cell_len(row.partition(TIMED_OUT)[0]) for row in rows}) == 1


def test_a_folder_of_odd_things_has_a_row_for_each(eplb, folder, tmp_path):
    """A name with markup, a pipe, a sparse file and a document full of blanks beside one that is honest."""
    odd = tmp_path / "odd"
    odd.mkdir()
    (odd / "markup.txt").write_text("<NAME>\n[/red]\n</NAME>\n" + EXAMPLES.joinpath("global_packing.txt").read_text())
    (odd / "blanks.txt").write_text("```" + " " * 300_000 + "!\n")
    os.mkfifo(odd / "pipe")
    with (odd / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    (odd / "same.py").write_text(PROGRAM)
    document = json.loads(eplb("score", str(odd), "--json", *SMALL, "seed=3", check=0).stdout)
    verdicts = {line["candidate"]: line["verdict"] for line in document["candidates"]}
    rejected = dict.fromkeys(("[/red]", "blanks", "pipe", "sparse"), "rejected")
    assert verdicts == {**rejected, "same": "identical placements"}


def test_matching_can_be_a_frameworks(eplb):
    example = str(EXAMPLES.joinpath("global_packing.txt"))
    done = eplb("score", example, "--matching", "openevolve", "--json", *SMALL, check=0)
    (line,) = json.loads(done.stdout)["candidates"]
    assert line["verdict"] == "invalid"
    assert line["check"] == "locality"
    assert line["feedback"]["check"] == "locality"


@pytest.mark.long
def test_a_candidate_may_be_timed_and_scored_by_another_formula(eplb, tmp_path):
    (tmp_path / "same.py").write_text(PROGRAM + "\n# the same\n")
    small = [*SMALL[:2], "timing.rounds=3", "timing.min_rounds=3", "score=leaderboard"]
    (line,) = json.loads(eplb("score", "same.py", "--json", *small, check=0).stdout)["candidates"]
    assert line["timing_rounds"] >= 3
    assert line["score_name"] == "leaderboard"
    assert 50 < line["score"] < 100
    assert line["feedback"]["time"]["ratio"] == line["time_ratio"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["score", "no.txt"], 2, "there is no candidate 'no.txt'"),
        (["score", "same.py", "--parent", "no.py"], 3, "'no.py' cannot be read"),
        (["score", "same.py", "workload=nothing"], 2, "no workload 'nothing'"),
        (["score", "same.py", "--matching", "exact"], 2, "did you mean 'exact-line'"),
        (["score", "same.py", "--jobs", "0"], 2, "--jobs is 0"),
        (["score", "same.py", "workload=recorded", "workload.path=no.npz"], 3, "there is no workload in 'no.npz'"),
        (["score", "same.py", "workload=recorded", "workload.path=same.py"], 3, "an unknown kind of file"),
        (["score", "same.py", "topology=vllm_qwen30b", "workload=quick"], 3, "144 slots are too few"),
        (["score", "same.py", "--parent", "broken.py"], 3, "the parent 'broken' cannot be judged against"),
    ],
)
def test_a_mistake_is_a_sentence(eplb, tmp_path, arguments, code, says):
    (tmp_path / "same.py").write_text(PROGRAM)
    (tmp_path / "broken.py").write_text("x = (")
    done = eplb(*arguments, *([] if "workload" in str(arguments) else SMALL), check=code)
    assert says in done.stderr
