"""Evolution engines, as they are installed, search for ten iterations against recorded documents.

``make test`` runs OpenEvolve in its own environment; ``make engines-evolve`` makes one for each engine and names the
folder in which they are.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from evaluator.candidates.program import example_program
from evaluator.evolve.starting import write_folder
from evaluator.evolve.study import key_of

from .conftest import end_scorers_of
from .model import EDITS, REPLIES, TELLING, replaying

WHERE = "EPLB_LAB_EVOLVE"
"""The folder with an environment for each engine."""
MODULES = {"openevolve": "openevolve", "gepa": "gepa", "skydiscover": "skydiscover", "shinka": "shinka"}
VERDICTS = {"identical placements", "no difference", "worse", "better", "invalid", "rejected", "timed out"}


def python_of(engine):
    """Return the interpreter of an engine; skip where there is none."""
    if importlib.util.find_spec(MODULES[engine]):
        return sys.executable
    python = Path(os.environ.get(WHERE, "nowhere")) / engine / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{engine} is not installed: make engines-evolve runs this")
    return str(python)


def searched(engine, study, folder, replies, *words, **environment):
    """Let an engine search, and return its output with what it asked the model."""
    told = []
    with replaying(replies, told) as address:
        write_folder(engine, folder, study, model="fake", api_base=address)
        done = subprocess.run(
            ["sh", folder / "run.sh", *words],
            env={**os.environ, "PYTHON": python_of(engine), "OPENAI_API_KEY": "none", **environment},
            capture_output=True,
            text=True,
            timeout=500,
        )
    end_scorers_of(study)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "eplb: the seed program scores 0." in done.stdout
    return done, told


def recorded(study):
    """Return what is on record, by program."""
    lines = map(json.loads, (study.folder / "record.jsonl").read_text().splitlines())
    return {line["program"]: line["answer"] for line in lines if "answer" in line}


def assert_told_as_recorded(study, stored):
    """See that an engine's database has the scores that programs were given here."""
    known = recorded(study)
    assert {answer["verdict"] for answer in known.values()} <= VERDICTS
    assert len({answer["verdict"] for answer in known.values()}) >= 3, "good ones and bad ones were among them"
    assert stored
    for code, score in stored:
        assert score == pytest.approx(known[key_of(code)]["combined_score"], abs=1e-12)


def programs_of_checkpoints(output, code):
    """Return source and score of every program in the last checkpoint of an engine that writes JSON."""
    checkpoints = sorted((output / "checkpoints").iterdir(), key=lambda path: int(path.name.rpartition("_")[2]))
    programs = [json.loads(path.read_text()) for path in (checkpoints[-1] / "programs").iterdir()]
    return [(program[code], program["metrics"]["combined_score"]) for program in programs]


def test_openevolve_keeps_the_scores_that_are_given_here(study, tmp_path):
    _, told = searched("openevolve", study, tmp_path / "search", REPLIES, "--iterations", "10")
    assert_told_as_recorded(study, programs_of_checkpoints(tmp_path / "search" / "output", "code"))
    assert any("it beats the seed program in" in json.dumps(asked) for asked in told), "feedback reaches the model"
    assert "difference_low" not in json.dumps(told[0]["messages"][0]), "the task is told, not the results"


def test_skydiscover_keeps_the_scores_that_are_given_here(study, tmp_path):
    searched("skydiscover", study, tmp_path / "search", REPLIES, "--iterations", "10")
    assert_told_as_recorded(study, programs_of_checkpoints(tmp_path / "search" / "output", "solution"))


def test_shinka_keeps_the_scores_that_are_given_here(study, tmp_path):
    words = ("--set", 'evo.patch_types=["diff"]', "--set", "evo.patch_type_probs=[1.0]")
    replies = [TELLING.format(reply) for reply in REPLIES]
    searched("shinka", study, tmp_path / "search", replies, *words, GENERATIONS="10")
    with sqlite3.connect(tmp_path / "search" / "output" / "programs.sqlite") as database:
        stored = database.execute("select code, combined_score, correct from programs").fetchall()
    assert_told_as_recorded(study, [(code, score) for code, score, _ in stored])
    known = recorded(study)
    assert all(bool(correct) == known[key_of(code)]["correct"] for code, _, correct in stored)


def test_gepa_keeps_the_scores_that_are_given_here(study, tmp_path):
    source = example_program().source
    whole = [
        f"```\n{source.replace(search, replace, 1)}\n```" for search, replace in EDITS.values() if search in source
    ]
    searched("gepa", study, tmp_path / "search", whole, "20")
    candidates = json.loads((tmp_path / "search" / "output" / "candidates.json").read_text())
    assert candidates
    best = (tmp_path / "search" / "output" / "best_program.py").read_text()
    known = recorded(study)
    assert known[key_of(best)]["combined_score"] == max(answer["combined_score"] for answer in known.values())
    assert len(known) >= 5
