"""What a search found is counted, and what is better is held against traces that it has not seen."""

from __future__ import annotations

import json

import pytest

from evaluator.candidates.program import example_program
from evaluator.cli.main import main
from evaluator.evolve.answers import LOST, failure
from evaluator.evolve.keeping import put_on_record
from evaluator.evolve.reporting import confirm, history_of
from evaluator.evolve.scoring import Scoring
from evaluator.evolve.study import create_study

from .conftest import SMALL, edited


@pytest.fixture
def searched(tmp_path):
    """Return a study whose seed program packs badly, so that the example program is a find."""
    made = create_study(tmp_path / "study", edited("worse"), SMALL, traces=4, seconds=60.0, traces_seed=1)
    with Scoring(made) as scoring:
        for source in (edited("worse"), edited("raises"), example_program().source, example_program().source):
            scoring.answer(source, {"engine": "gepa", "parent": "the seed"})
        put_on_record(scoring.study, "x", {}, failure(LOST, "why"))
    with (made.folder / "record.jsonl").open("a") as file:
        file.write('{"at": "cut o')
    return made


def test_what_is_on_record_is_counted_and_the_best_is_confirmed(searched):
    history = history_of(searched)
    assert (history.asked, history.failures, history.unread) == (6, {"lost": 1}, 1)
    assert history.verdicts == {"invalid": 1, "identical placements": 1, "better": 1}
    assert [(found.number, found.asked, found.engine) for found in history.programs] == [
        *((1, 1, "gepa"), (2, 1, "gepa"), (3, 2, "gepa"))
    ]
    (best,) = history.best(5)
    assert best.source == example_program().source
    confirm(searched, [best], held_out=8)
    assert best.row["confirmed"] is True
    assert best.row["held_out_traces"] == 8
    assert best.row["held_out_difference"] > 0.01
    assert "held_out" not in str(best.answer), "a search is told nothing of it"


def test_a_study_that_nobody_asked_has_nothing_to_tell(study):
    history = history_of(study)
    assert (history.programs, history.asked, history.best(5)) == ([], 0, [])
    confirm(study, [])


@pytest.mark.long
def test_the_command_tells_it_and_writes_the_best_programs(searched, tmp_path, capsys):
    assert main(["evolve", "report", str(searched.folder), "--out", str(tmp_path / "best")]) == 0
    said = capsys.readouterr().out
    assert "6 questions about 3 programs: 1 invalid, 1 identical placements, 1 better; the bench failed: 1 lost" in said
    assert "#3" in said
    (written,) = (tmp_path / "best").iterdir()
    assert written.read_text() == example_program().source
    assert main(["evolve", "report", str(searched.folder), "--json", "--best", "0"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [program["verdict"] for program in told["programs"]] == ["identical placements", "invalid", "better"]
    assert told["best"] == []
