"""Engines as they are installed, started on a study, and what they keep."""

from __future__ import annotations

import importlib.util
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from evaluator.evolve.starting import write_folder
from evaluator.evolve.study import key_of

from .conftest import end_scorers_of
from .model import REPLIES, TELLING, replaying

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
        done = started(engine, folder, *words, **environment)
    end_scorers_of(study)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "eplb: the seed program scores 0." in done.stdout
    return done, told


def started(engine, folder, *words, **environment):
    """Start the search in a folder, and return what became of it."""
    return subprocess.run(
        ["sh", folder / "run.sh", *words],
        env={**os.environ, "PYTHON": python_of(engine), "OPENAI_API_KEY": "none", **environment},
        capture_output=True,
        text=True,
        timeout=500,
    )


def ten_iterations(engine):
    """Return what makes an engine try ten programs by diffs: its words, its environment and the model's replies."""
    if engine == "shinka":
        words = ("--set", 'evo.patch_types=["diff"]', "--set", "evo.patch_type_probs=[1.0]")
        return words, {"GENERATIONS": "10"}, [TELLING.format(reply) for reply in REPLIES]
    return ("--iterations", "10"), {}, REPLIES


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


def stored_by(engine, folder):
    """Return source and score of every program that an engine has in its database or last checkpoint."""
    output = folder / "output"
    if engine == "shinka":
        with sqlite3.connect(output / "programs.sqlite") as database:
            return database.execute("select code, combined_score from programs").fetchall()
    return programs_of_checkpoints(output, "solution" if engine == "skydiscover" else "code")
