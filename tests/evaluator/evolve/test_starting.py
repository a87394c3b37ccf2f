"""The folders that engines start from are complete, filled in, and name no host but the one that was said."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from eplb_variants import EplbError
from evaluator.candidates.program import example_program
from evaluator.cli.main import main
from evaluator.evolve.scoring import Scoring
from evaluator.evolve.starting import ENGINES, write_folder
from evaluator.evolve.study import read_study

from .conftest import SMALL, edited


@pytest.fixture(params=sorted(set(ENGINES) - {"harbor"}))
def folder(request, study, tmp_path):
    write_folder(request.param, tmp_path / "search", study, model="a-model", api_base="http://127.0.0.1:1/v1/")
    return tmp_path / "search"


def test_every_token_is_filled_in_and_every_program_is_one(folder):
    for path in folder.iterdir():
        text = path.read_text()
        assert not re.search(r"@[A-Z_]+@", text), path.name
        if path.suffix == ".py":
            ast.parse(text)
        if path.suffix == ".yaml":
            assert isinstance(yaml.safe_load(text), dict)


def test_no_host_but_the_models_is_named(folder):
    hosts = {host for path in folder.iterdir() for host in re.findall(r"https?://([^/\s\"'`@?]+)", path.read_text())}
    assert hosts <= {"127.0.0.1:1"}
    assert any("http://127.0.0.1:1/v1" in path.read_text() for path in folder.iterdir())


def test_an_engine_gives_up_later_than_the_judge(folder, study):
    """Then it is the judge who says what was late."""
    for path in folder.glob("*.yaml"):
        settings = yaml.safe_load(path.read_text())
        if "evaluator" in settings:
            assert settings["evaluator"]["timeout"] >= study.seconds + 30
        else:
            hours, minutes, seconds = map(int, settings["job"]["time"].split(":"))
            assert hours * 3600 + minutes * 60 + seconds >= study.seconds + 30


def test_no_file_has_the_name_of_a_package_that_it_needs(folder):
    """``evaluator.py`` would hide this project's package from a client that imported it: it imports nothing of it."""
    for path in folder.glob("*.py"):
        imported = {
            name.partition(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert not imported & {"evaluator", "eplb_variants"}
        if path.name == "eplb_client.py":
            assert imported <= sys.stdlib_module_names


def test_a_study_and_a_folder_are_made_by_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["evolve", "init", "gepa", "search", *SMALL, "--traces", "3"]) == 0
    said = capsys.readouterr().out.splitlines()
    study = read_study(tmp_path / "runs" / "studies" / "search")
    assert said == [f"study: {study.folder}", "next: sh search/run.sh, after its README"]
    assert study.overrides == tuple(SMALL)
    settings = json.loads((tmp_path / "search" / "eplb_study.json").read_text())
    assert settings["study"] == str(study.folder)
    assert (tmp_path / "search" / "initial_program.py").read_text() == example_program().source
    assert main(["evolve", "score", str(study.folder), "search/initial_program.py"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "identical placements"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["init", "openevolv", "x"], "there is no engine 'openevolv': did you mean 'openevolve'"),
        (["init", "gepa"], "eplb evolve init gepa needs a folder to write"),
        (["init", "gepa", "."], "the folder '.' is not empty: name another"),
        (["init", "gepa", "x", "--seconds", "nan"], "an evaluation of nan seconds is too short"),
        (["init", "gepa", "x", "--traces", "0"], "--traces is 0: it must be 1 or more"),
        (["init", "gepa", "x", "workload=quik"], "quik"),
        (["score", "nowhere", "-"], "there is no study in"),
        (["score", "nowhere"], "takes the folder of a study and the file of a program"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence_and_leaves_nothing(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").write_text("")
    assert main(["evolve", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") <= 2
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_a_parent_that_cannot_be_judged_is_said_at_once(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parent.py").write_text("def rebalance_experts(*_): return None\n")
    assert main(["evolve", "init", "gepa", "search", "--parent", "parent.py", *SMALL, "--traces", "2"]) == 3
    assert "the study cannot be used: the parent 'seed' cannot be judged against" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["parent.py"]


def test_a_folder_that_is_in_use_is_not_written_to(study, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("")
    with pytest.raises(EplbError, match="is not empty"):
        write_folder("gepa", tmp_path / "mine", study)
    with pytest.raises(EplbError, match="no engine 'gep': did you mean 'gepa'"):
        write_folder("gep", tmp_path / "other", study)


@pytest.fixture
def task(study, tmp_path):
    """Return a task of Harbor, and what runs its verifier here, where no container is."""
    write_folder("harbor", tmp_path / "My task", study, model="a-model")
    folder, logs = tmp_path / "My task", tmp_path / "logs"

    def verify(program):
        (tmp_path / "program.py").write_text(program)
        told = {"EPLB_LOGS": str(logs), "EPLB_PROGRAM": str(tmp_path / "program.py"), "PYTHON": sys.executable}
        told |= {"EPLB": str(Path(sys.executable).with_name("eplb"))}
        done = subprocess.run(["bash", folder / "tests" / "test.sh"], env={**os.environ, **told}, capture_output=True)
        reward = logs / "reward.txt"
        return done.returncode, float(reward.read_text()) if reward.exists() else None

    return folder, verify


def test_a_task_of_harbor_is_complete_and_its_secret_is_the_verifiers_alone(task, study):
    folder, _ = task
    settings = tomllib.loads((folder / "task.toml").read_text())
    assert settings["task"]["name"] == "eplb-lab/my-task"
    assert (settings["verifier"]["environment_mode"], settings["artifacts"]) == ("separate", ["/app/program.py"])
    assert settings["verifier"]["timeout_sec"] >= study.seconds + 30
    files = {str(path.relative_to(folder)): path for path in folder.glob("**/*") if path.is_file()}
    wanted = "run.sh README.md instruction.md task.toml environment/Dockerfile environment/initial_program.py "
    wanted += "tests/Dockerfile tests/test.sh tests/study/study.json tests/study/seed.py"
    assert set(files) == set(wanted.split())
    assert not [name for name, path in files.items() if re.search(r"@[A-Z_]+@", path.read_text())]
    told = [name for name, path in files.items() if str(study.seed) in path.read_text()]
    assert told == ["tests/study/study.json"]
    assert "workload.num_layers=3" in files["instruction.md"].read_text()


@pytest.mark.long
def test_the_verifier_of_a_task_writes_the_reward_and_none_where_the_bench_fails(task, study):
    folder, verify = task
    with Scoring(study) as scoring:
        wanted = scoring.answer(edited("worse"))["combined_score"]
    code, reward = verify(edited("worse"))
    assert (code, reward) == (0, pytest.approx(wanted, abs=1e-3))
    assert verify("def rebalance_experts(*_): return 1\n") == (0, 0.0)
    (folder / "tests" / "study" / "study.json").unlink()
    code, reward = verify(edited("worse"))
    assert code != 0
    assert reward is None
