"""Files in, what is to be said of each out; and what the examples say of themselves is what their verdicts say."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from eplb_variants import EplbError
from evaluator.candidates.judging.judge import ParentUnusable
from evaluator.candidates.judging.schema import ARROW, IDENTICAL, REJECTED, VERDICTS
from evaluator.candidates.program import example_program
from evaluator.candidates.scoring import DEFAULTS, score_candidates
from evaluator.candidates.settings import Choices
from evaluator.progress import Progress
from evaluator.sweep.plan import make_plan

from .conftest import LIMITS

EXAMPLES = resources.files("evaluator.examples")
SMALL = ["workload.num_layers=2", "workload.windows=6", "measure=quality"]


def plan_in(folder, *overrides):
    return make_plan([*DEFAULTS, f"runs_dir={folder}", *overrides])


@pytest.mark.long
def test_the_examples_are_what_their_table_says(tmp_path):
    """An example that calls itself better is better, by its verdict; and the table names every example."""
    table = EXAMPLES.joinpath("README.md").read_text(encoding="utf-8")
    said = dict(re.findall(r"^\| `(\w+)\.\w+` \| ([^|]*?) \|", table, re.MULTILINE))
    with resources.as_file(EXAMPLES.joinpath("candidates")) as folder:
        scores = score_candidates(
            [folder], plan_in(tmp_path, "measure=quality"), choices=Choices(seed=0, limits=LIMITS)
        )
    assert {row["candidate"]: row["verdict"] for row in scores.rows} == said
    assert set(said.values()) <= {*VERDICTS}


@pytest.mark.long
def test_every_document_is_a_row_and_every_program_is_judged_once_beside_a_parent_of_ones_own(tmp_path):
    (tmp_path / "a.py").write_text(example_program().source + "\n# a\n")
    (tmp_path / "b.py").write_text(example_program().source + "\n# a\n")
    (tmp_path / "c.txt").write_text("no program")
    files = [tmp_path / name for name in ("a.py", "b.py", "c.txt")]
    steps = []

    class Steps(Progress):
        def start(self, what, total):
            steps.append((what, total))

        def step(self, name):
            steps.append(name)

    parent = tmp_path / "parent.py"
    parent.write_text(example_program().source)
    scores = score_candidates(
        files, plan_in(tmp_path, *SMALL), parent=parent, choices=Choices(limits=LIMITS), progress=Steps()
    )
    assert [row["verdict"] for row in scores.rows] == [IDENTICAL, IDENTICAL, REJECTED]
    assert [row["same_as"] for row in scores.rows] == [None, "a", None]
    assert {*scores.rows[0]} == {*ARROW.names, "path", "notes", "same_as", "feedback"}
    assert scores.heading["programs"] == 1
    assert scores.heading["parent"] == "parent"
    assert steps == [("documents", 3), "a", "b", "c", ("trying", 1), "a"]


def test_a_parent_that_cannot_be_read_is_unusable(tmp_path):
    (tmp_path / "same.py").write_text(example_program().source)
    with pytest.raises(ParentUnusable, match=r"'no\.py' cannot be read"):
        score_candidates(
            [tmp_path / "same.py"], plan_in(tmp_path, *SMALL), parent="no.py", choices=Choices(limits=LIMITS)
        )


def test_a_matching_that_there_is_not_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(EplbError, match="did you mean 'shinka'"):
        score_candidates([Path("none.txt")], plan_in(tmp_path), matching="shinke")
