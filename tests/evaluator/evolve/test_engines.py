"""Evolution engines, as they are installed, search for ten iterations against recorded documents.

``make test`` runs OpenEvolve in its own environment; ``make engines-evolve`` makes one for each engine and names the
folder in which they are.
"""

from __future__ import annotations

import json
import sqlite3

from evaluator.candidates.program import example_program
from evaluator.evolve.study import key_of

from .engines import assert_told_as_recorded, recorded, searched, stored_by, ten_iterations
from .model import EDITS


def keeps_the_scores(engine, study, folder):
    """See that an engine's database has the scores that programs were given here; return what the model was told."""
    words, environment, replies = ten_iterations(engine)
    _, told = searched(engine, study, folder, replies, *words, **environment)
    assert_told_as_recorded(study, stored_by(engine, folder))
    return told


def test_openevolve_keeps_the_scores_that_are_given_here(study, tmp_path):
    told = keeps_the_scores("openevolve", study, tmp_path / "search")
    assert any("it beats the seed program in" in json.dumps(asked) for asked in told), "feedback reaches the model"
    assert "difference_low" not in json.dumps(told[0]["messages"][0]), "the task is told, not the results"


def test_skydiscover_keeps_the_scores_that_are_given_here(study, tmp_path):
    keeps_the_scores("skydiscover", study, tmp_path / "search")


def test_shinka_keeps_the_scores_that_are_given_here(study, tmp_path):
    keeps_the_scores("shinka", study, tmp_path / "search")
    with sqlite3.connect(tmp_path / "search" / "output" / "programs.sqlite") as database:
        stored = database.execute("select code, correct from programs").fetchall()
    known = recorded(study)
    assert all(bool(correct) == known[key_of(code)]["correct"] for code, correct in stored)


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
