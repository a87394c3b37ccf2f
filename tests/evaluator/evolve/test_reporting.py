"""What a search found is counted, and what is better is held against traces that it has not seen."""

from __future__ import annotations

import json

import pytest

from eplb_variants import EplbError
from evaluator.candidates.program import example_program
from evaluator.cli.main import main
from evaluator.evolve.answers import LOST, failure
from evaluator.evolve.keeping import put_on_record, record_of
from evaluator.evolve.reporting import confirm, history_of
from evaluator.evolve.scoring import Scoring
from evaluator.evolve.study import create_study, read_study

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


JUDGED_LINE = {
    "at": "2026-01-01",
    "program": "p",
    "source": "x",
    "engine": "\x1b[31mred",
    "answer": {"kind": "judged", "verdict": "worse", "combined_score": 0.5, "metrics": {}},
}


@pytest.mark.parametrize(
    "change",
    [
        {"answer": []},
        {"answer": {"kind": []}},
        {"source": None},
        {"engine": []},
        {"parent": {}},
        {"document": 7},
        *({"answer": {**JUDGED_LINE["answer"], **wrong}} for wrong in ({"verdict": []}, {"combined_score": "z"})),
        {"answer": {**JUDGED_LINE["answer"], "metrics": None}},
    ],
)
def test_a_line_that_is_none_of_a_record_is_counted_and_costs_nothing_else(study, change):
    lines = [JUDGED_LINE, {**JUDGED_LINE, "program": "q", **change}]
    (study.folder / "record.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    history = history_of(study)
    assert (history.asked, history.unread) == (2, 1)
    (found,) = history.programs
    assert found.engine == "\\x1b[31mred"


def test_a_line_that_is_too_long_is_not_kept_in_memory(study, monkeypatch):
    monkeypatch.setattr("evaluator.evolve.keeping.LONGEST_LINE", 1000)
    whole = json.dumps(JUDGED_LINE)
    assert len(whole) < 900
    record = study.folder / "record.jsonl"
    record.write_text(f"{whole}\n{' ' * 5000}{whole}\n{whole}\n{' ' * 3000}")
    assert [line is None for line in record_of(study.folder)] == [False, True, False, True]


def test_a_study_whose_files_are_links_out_of_it_is_not_written_to(study, tmp_path):
    (tmp_path / "victim").write_text("precious")
    (study.folder / "record.jsonl").symlink_to(tmp_path / "victim")
    with pytest.raises(EplbError, match="is a link that leads out of the folder"):
        read_study(study.folder)


@pytest.mark.parametrize(
    "wrong", [{"traces": "x"}, {"seed": "x"}, {"overrides": [1]}, {"seconds": None}, {"socket": 1}]
)
def test_a_study_of_wrong_types_is_damaged(study, wrong):
    file = study.folder / "study.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | wrong))
    with pytest.raises(EplbError, match="is damaged"):
        read_study(study.folder)


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
