"""A study's programs are judged once, by the same traces, and all that was asked is on record."""

from __future__ import annotations

import json
import os
import stat

import pytest

from eplb_variants import EplbError
from evaluator.candidates.program import example_program
from evaluator.evolve import scoring as module
from evaluator.evolve.answers import LOST, UNUSABLE
from evaluator.evolve.keeping import known
from evaluator.evolve.scoring import Scoring, outside_of_blocks, why_not_tried
from evaluator.evolve.study import create_study, key_of, normalised, read_study

from .conftest import SMALL, edited


def recorded(study):
    return [json.loads(line) for line in (study.folder / "record.jsonl").read_text().splitlines()]


def test_a_study_comes_back_as_it_was_made_and_is_its_owners_alone(study):
    assert read_study(study.folder) == study
    assert stat.S_IMODE(os.stat(study.folder).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(study.folder / "study.json").st_mode) == 0o600


def test_a_folder_that_is_in_use_or_no_study_is_a_sentence(study, tmp_path):
    with pytest.raises(EplbError, match="is there already"):
        create_study(study.folder, "x = 1")
    with pytest.raises(EplbError, match="there is no study in"):
        read_study(tmp_path)
    (study.folder / "study.json").write_text('{"schema_version": 99}')
    with pytest.raises(EplbError, match="of another version"):
        read_study(study.folder)
    (study.folder / "study.json").write_text("{")
    with pytest.raises(EplbError, match="is damaged"):
        read_study(study.folder)
    with pytest.raises(EplbError, match="too short"):
        create_study(tmp_path / "other", "x = 1", seconds=1.0)


def test_programs_get_the_same_score_whatever_was_judged_before_and_are_judged_once(study, monkeypatch):
    with Scoring(study) as scoring:
        seed = scoring.answer(study.seed_program)
        worse = scoring.answer(edited("worse"), {"engine": "e", "parent": "p", "document": "d"})
        same = scoring.answer(edited("without effect"))
        bad = scoring.answer(edited("raises"))
    assert seed["verdict"] == same["verdict"] == "identical placements"
    assert seed["combined_score"] == same["combined_score"] > worse["combined_score"] > 0 == bad["combined_score"]
    assert [line["answer"]["verdict"] for line in recorded(study)] == [a["verdict"] for a in (seed, worse, same, bad)]
    assert recorded(study)[1] | {"engine": "e", "parent": "p", "document": "d"} == recorded(study)[1]
    assert recorded(study)[1]["source"] == edited("worse")
    monkeypatch.setattr(module, "judge_of", lambda study: pytest.fail("it is known"))
    with Scoring(study) as scoring:
        assert scoring.answer(edited("worse") + "\n\n")["combined_score"] == worse["combined_score"]
        assert scoring.answer(edited("worse").replace("\n", "\r\n"))["program"] == worse["program"]
    other = create_study(study.folder.parent / "other", study.seed_program, SMALL, traces=4)
    assert other.seed != study.seed


@pytest.mark.long
def test_a_new_scorer_of_the_same_study_finds_the_same_score(study):
    """The traces are the study's own, and nothing else is random but labels, by which ties alone are broken."""
    scores = []
    for _ in range(2):
        with Scoring(study) as scoring:
            scores.append(scoring.answer(edited("worse"))["combined_score"])
        for path in [*(study.folder / "known").iterdir(), *(study.folder / "judged").glob("*.parquet")]:
            path.unlink()
    assert scores[0] == pytest.approx(scores[1], abs=2e-3)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (edited("outside"), "outside the EVOLVE-BLOCKs"),
        (example_program().source.replace("# EVOLVE-BLOCK-END", ""), "outside the EVOLVE-BLOCKs"),
        ("x" * (1 << 20) + "xx", "the most"),
        (edited("worse") + "# \udcff", "not UTF-8"),
    ],
)
def test_what_is_not_tried_says_why(study, source, why):
    assert why in why_not_tried(normalised(source), study)
    with Scoring(study) as scoring:
        answer = scoring.answer(source)
        assert scoring._judge is None, "nothing was started for it"
    assert (answer["verdict"], answer["correct"], answer["combined_score"]) == ("rejected", False, 0.0)


def test_the_outside_may_be_changed_where_that_was_asked_for_or_there_are_no_blocks(tmp_path):
    free = create_study(tmp_path / "free", example_program().source, SMALL, outside=True)
    assert why_not_tried(normalised(edited("outside")), free) is None
    assert outside_of_blocks("a\nb") == []


def test_what_timed_out_is_tried_once_more_and_then_no_more(study, monkeypatch):
    calls = []

    class Judge:
        parent = None

        def judge(self, programs):
            calls.append(programs)
            return {programs[0].key: {**dict.fromkeys(module.schema.ARROW.names), "verdict": "timed out"}}

        def close(self):
            pass

    monkeypatch.setattr(Scoring, "_ready", lambda self: Judge())
    monkeypatch.setattr("evaluator.evolve.answers.feedback", lambda row: {"text": "late"})
    with Scoring(study) as scoring:
        for _ in range(4):
            assert scoring.answer(edited("worse"))["verdict"] == "timed out"
    assert len(calls) == 2
    assert len(recorded(study)) == 4


@pytest.mark.long
def test_a_judge_that_breaks_down_is_not_the_programs_failure_and_the_next_question_has_a_new_one(study, monkeypatch):
    real, broken = module.judge_of, []

    def judge_of(study):
        if not broken:
            broken.append(1)
            raise OSError("no memory left")
        return real(study)

    monkeypatch.setattr(module, "judge_of", judge_of)
    with Scoring(study) as scoring:
        answer = scoring.answer(edited("worse"))
        assert answer["kind"] == LOST
        assert "combined_score" not in answer
        assert known(scoring.study, key_of(edited("worse"))) is None
        assert scoring.answer(edited("worse"))["kind"] == "judged"


def test_a_seed_program_that_cannot_be_judged_is_said_of_every_program(tmp_path):
    study = create_study(tmp_path / "study", "def rebalance_experts(*_): return None\n", SMALL, traces=2)
    with Scoring(study) as scoring:
        for _ in range(2):
            answer = scoring.answer("def rebalance_experts(*_): return 1\n")
            assert answer["kind"] == UNUSABLE
            assert "cannot be judged" in answer["message"]
