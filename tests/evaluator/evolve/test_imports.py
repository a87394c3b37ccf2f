"""What engines left behind is read as a stranger's, applied again, judged, and said to hold, be noise or be broken."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter

import pyarrow.parquet as pq
import pytest

from eplb_variants import EplbError
from evaluator.candidates.judging.judge import Judge
from evaluator.candidates.program import example_program
from evaluator.cli.main import main
from evaluator.evolve.imports import read_left
from evaluator.evolve.imports.applying import applied_of
from evaluator.evolve.imports.importing import import_left, initial_of, study_for
from evaluator.evolve.imports.left import Folder, Left
from evaluator.evolve.reporting import history_of
from evaluator.evolve.scoring import Scoring
from evaluator.evolve.study import create_study, key_of, read_study

from .conftest import SMALL, edited
from .layouts import DIFF, LAYOUTS, Step

HOTTEST = "        hottest = (weight / count).argmax(dim=1, keepdim=True)\n"
END = "    return count\n"
GUARD = "    if count.numel() == 0:\n        return count\n"
INITIAL = edited("worse").replace(END, GUARD + END)
"""An initial program that packs badly, so that there is something to find, and in which a SEARCH can be ambiguous."""
LIGHTEST = "(held == capacity).long().argmin(dim=1, keepdim=True)\n"
GOOD = "load.masked_fill(held == capacity, torch.inf).argmin(dim=1, keepdim=True)\n"
TWICE = DIFF.format(END, "    # nothing to correct\n" + END)
"""Its SEARCH is part of a line before it is a line."""
TWICE_AS_TEXT = INITIAL.replace(END, "    # nothing to correct\n" + END, 1)


def made(source, search, replace):
    assert source.count(search) == 1
    return source.replace(search, replace), DIFF.format(search, replace)


def line(what):
    return next(line for line in INITIAL.splitlines(keepends=True) if what in line)


def searched():
    """Return a search with everything in it, and what is to be found of it by name."""
    better, good = made(INITIAL, line(LIGHTEST), line(LIGHTEST).replace(LIGHTEST, GOOD))
    same, comment = made(better, HOTTEST, f"        # the hottest\n{HOTTEST}")
    worse, back = made(better, line_of(better, GOOD), "        # back\n" + line(LIGHTEST))
    fails, raising = made(better, HOTTEST, f"        1 / 0\n{HOTTEST}")
    steps = [
        Step("start", 0, None, INITIAL, None, 0.3),
        Step("better", 1, "start", better, good, 0.4),
        Step("same", 2, "better", same, comment, 0.5),
        Step("worse", 3, "better", worse, back, 0.6),
        Step("fails", 4, "better", fails, raising, 0.7),
        Step("twice", 5, "start", TWICE_AS_TEXT, TWICE, 0.0),
        Step("refused", 5, "start", None, DIFF.format("not there\n", "x\n"), None),
    ]
    found = {"better": "holds", "same": "noise", "worse": "contrary", "fails": "invalid", "twice": "broken"}
    return steps, found


def line_of(source, what):
    return next(line for line in source.splitlines(keepends=True) if what in line)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_a_layout_has_is_read(tmp_path, layout):
    steps, _ = searched()
    LAYOUTS[layout](tmp_path / "run" / "output", steps)
    name, left, missing = read_left(tmp_path / "run")
    assert name == layout
    assert (layout == "shinka") == any(one.source is None for one in left if layout != "pairs")
    programs = {key_of(one.source): one for one in left if one.source is not None}
    wanted = [step for step in steps if step.source is not None and (layout != "pairs" or step.document)]
    assert set(programs) == {key_of(step.source) for step in wanted}
    sources = {one.name: one.source for one in left}
    for step in wanted:
        one = programs[key_of(step.source)]
        assert one.document == (None if layout == "gepa" else step.document)
        assert layout == "pairs" or one.score == step.score
        if step.parent is not None:
            parent = one.parent_source or sources[one.parent]
            assert key_of(parent) == key_of(next(other.source for other in steps if other.name == step.parent))
    assert key_of(initial_of(left)) == key_of(INITIAL)
    assert missing == [] or "proposals that GEPA did not keep" in missing[0] or "after checkpoint" in missing[0]


def test_a_study_of_our_own_is_read(study):
    with Scoring(study) as scoring:
        told = {"engine": "shinka", "parent": "p", "document": "d"}
        answer = scoring.answer(edited("outside"), told)
        scoring.answer(edited("outside"), told)
    with (study.folder / "record.jsonl").open("a") as file:
        file.write('{"program": "known", "known": true}\n{"cut o')
    layout, (seed, one), missing = read_left(study.folder)
    assert (layout, seed.source, seed.number) == ("study", study.seed_program, 0)
    assert (one.source, one.document, one.parent, one.matching) == (edited("outside"), "d", "p", "shinka")
    assert one.score == answer["combined_score"]
    assert missing == ["record.jsonl: 1 lines cannot be read"]


def test_what_cannot_be_read_costs_nothing_else_and_is_said(tmp_path):
    steps, _ = searched()
    LAYOUTS["openevolve"](tmp_path, steps)
    inside = tmp_path / "checkpoints" / "checkpoint_6" / "programs"
    os.mkfifo(inside / "a.json")
    (inside / "b.json").symlink_to("/dev/zero")
    (inside / "c.json").write_text('{"id": "x", "code"')
    (inside / "d.json").write_text("[" * 100_000)
    (inside / "e.json").write_bytes(b"\xff")
    (inside / "f.json").write_text('{"id": 7, "metrics": []}')
    (inside / "g.json").write_text(
        json.dumps({"id": "h", "code": "x = '\ud800'", "metrics": {"combined_score": 1e400}})
    )
    (inside / "h.json").symlink_to("nowhere")
    _, left, missing = read_left(tmp_path)
    assert [one.name for one in left if one.score is None] == ["h"]
    said = "\n".join(missing)
    for words in (
        "a.json: it is a pipe",
        "b.json: it is a link that leads out of",
        "c.json: it is not JSON",
        "d.json: it is not JSON",
    ):
        assert words in said
    for words in (
        "e.json: it is not UTF-8 at byte 0",
        "f.json: it is not a program",
        "h.json: it is a link that leads nowhere",
    ):
        assert words in said


@pytest.mark.parametrize("number", [1e308, 2**80, -(2**70), True, "7", None])
def test_a_number_that_no_generation_can_be_is_none(tmp_path, number):
    LAYOUTS["openevolve"](tmp_path, searched()[0])
    inside = tmp_path / "checkpoints" / "checkpoint_6" / "programs" / "better.json"
    inside.write_text(json.dumps({"id": "better", "code": "x = 1", "iteration_found": number}))
    assert [one.number for one in read_left(tmp_path)[1] if one.name == "better"] == [0]


@pytest.mark.parametrize("layout", ["shinka", "pairs", "openevolve", "gepa"])
def test_links_that_lead_out_of_the_folder_are_not_followed(tmp_path, layout):
    LAYOUTS[layout](tmp_path / "run", searched()[0])
    name = {"shinka": "programs.sqlite", "gepa": "run_log.json"}.get(layout)
    file = (
        tmp_path / "run" / name
        if name
        else next((tmp_path / "run").glob("**/better.json" if layout == "openevolve" else "**/patch.txt"))
    )
    secret = tmp_path / "secret"
    file.rename(secret)
    file.symlink_to(secret)
    _, left, missing = read_left(tmp_path / "run")
    assert f"{file.relative_to(tmp_path / 'run')}: it is a link that leads out of the folder" in missing
    assert left
    linked = tmp_path / "linked"
    linked.symlink_to(tmp_path / "run")
    assert len(read_left(linked)[1]) == len(left), "the folder that is named may be a link itself"


def test_a_folder_that_is_a_link_is_not_walked_and_json_of_many_objects_is_not_read(tmp_path, monkeypatch):
    (tmp_path / "outside" / "metadata").mkdir(parents=True)
    (tmp_path / "outside" / "metadata" / "metadata.json").write_text("{}")
    search = tmp_path / "search"
    (search / "gen_0").mkdir(parents=True)
    (search / "gen_0" / "attempts").symlink_to(tmp_path / "outside")
    folder = Folder(search)
    assert folder.listed("gen_0", "attempts/**/metadata.json") == []
    assert folder.missing == ["gen_0/attempts: it is a link that leads out of the folder"]
    monkeypatch.setattr("evaluator.evolve.imports.left.MOST_OBJECTS", 10)
    (search / "deep.json").write_text('{"":' * 20 + "1" + "}" * 20)
    assert folder.json(search / "deep.json") is None
    assert "may hold more than 10 objects" in folder.missing[-1]


def test_an_initial_program_of_half_characters_is_refused_before_a_study_is_made(tmp_path):
    with pytest.raises(EplbError, match="is no text of whole characters"):
        study_for(tmp_path / "study", [Left("a", 1, source="x = '\ud800'\n")], [])
    assert not (tmp_path / "study").exists()


def test_a_state_that_is_a_pickle_is_never_read(tmp_path):
    (tmp_path / "gepa_state.bin").write_bytes(b"\x80\x04cos\nsystem\n.")
    with pytest.raises(EplbError, match=r"gepa_state\.bin is a pickle, which could run anything, and is not read"):
        read_left(tmp_path)


def test_a_database_is_opened_for_reading_and_a_view_is_no_table(tmp_path):
    steps, _ = searched()
    LAYOUTS["shinka"](tmp_path, steps)
    path = tmp_path / "programs.sqlite"
    before = path.read_bytes()
    read_left(tmp_path)
    assert path.read_bytes() == before
    path.unlink()
    with sqlite3.connect(path) as database:
        endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select i as id from n"
        database.execute(f"create view programs as {endless}")
    database.close()
    _, left, missing = read_left(tmp_path)
    assert "programs.sqlite: it has no table of programs" in missing
    assert {"gen_1", "gen_2"} <= {one.name for one in left}, "the folders are read without it"
    path.write_bytes(b"no database" * 100)
    assert any("the database cannot be read" in sentence for sentence in read_left(tmp_path)[2])


@pytest.mark.parametrize(
    ("make", "layout", "words"),
    [
        (
            lambda folder: folder,
            None,
            "has no layout that is known: openevolve, skydiscover, shinka, gepa, study",
        ),
        (lambda folder: folder / "not", None, "there is no folder"),
        (lambda folder: folder, "alphaevolve", "there is no layout 'alphaevolve'"),
        (lambda folder: folder, "gepa", "has no layout that is known: gepa"),
    ],
)
def test_what_is_no_search_is_refused(tmp_path, make, layout, words):
    with pytest.raises(EplbError, match=words):
        read_left(make(tmp_path), layout)


def test_a_document_is_applied_as_the_engine_did_and_as_it_was_meant(tmp_path):
    steps, _ = searched()
    LAYOUTS["pairs"](tmp_path, [*steps, Step("untold", 6, "start", None, TWICE, None)])
    _, left, _ = read_left(tmp_path)
    how = {one.name: made for one, made in zip(left, applied_of(left, INITIAL), strict=True)}
    assert {name: made.how for name, made in how.items()} == {
        **dict.fromkeys(("better", "same", "worse", "fails"), "as meant"),
        **{"twice": "otherwise", "refused": "not told", "untold": "not told"},
    }
    assert how["twice"].meant == INITIAL.replace("\n" + END, "\n    # nothing to correct\n" + END)
    assert "is not in the parent" in how["refused"].why
    as_shinka = dict(zip((one.name for one in left), applied_of(left, INITIAL, "shinka"), strict=True))
    assert as_shinka["untold"].how == "otherwise"
    assert key_of(as_shinka["untold"].kept) == key_of(TWICE_AS_TEXT)


def test_an_import_says_what_holds_what_was_noise_and_what_was_broken_and_goes_on(tmp_path, monkeypatch):
    steps, wanted = searched()
    LAYOUTS["shinka"](tmp_path / "run", steps)
    layout, left, missing = read_left(tmp_path / "run")
    study = create_study(tmp_path / "study", initial_of(left), SMALL, traces=4, outside=True, traces_seed=1)
    study = study_for(study.folder, left, SMALL, traces=4)
    imported = import_left(study, layout, left, missing, held_out=8)
    rows = {row["name"]: row for row in imported.rows}
    assert {name: row["finding"] for name, row in rows.items() if row["finding"]} == wanted
    assert rows["better"]["confirmed"] is True
    assert rows["better"]["step_difference"] == pytest.approx(rows["better"]["difference"], abs=1e-12)
    assert rows["same"]["verdict"] == "better"
    assert abs(rows["same"]["step_difference"]) < 0.001, "ties are broken by the labels of a call"
    assert rows["worse"]["step_verdict"] == "worse"
    assert (rows["twice"]["verdict"], rows["twice"]["meant_verdict"]) == ("invalid", "identical placements")
    assert (rows["fails"]["engine_place"], rows["fails"]["place"]) == (1, 5)
    assert pq.read_table(imported.file).to_pylist() == [dict(row) for row in imported.rows]
    history = history_of(study)
    assert history.asked == 6, "programs are on record"
    assert {found.engine for found in history.programs} == {"shinka"}

    monkeypatch.setattr(Judge, "_attempt", lambda *_: pytest.fail("it was judged before"))
    again = import_left(read_study(study.folder), layout, left, missing, held_out=8)
    assert again.rows == imported.rows
    assert history_of(study).asked == 6, "once"
    with pytest.raises(EplbError, match="is of another initial program or other settings"):
        study_for(study.folder, left, SMALL, traces=5)


def test_a_program_with_half_a_character_is_rejected_and_written_down(tmp_path):
    inside = tmp_path / "checkpoint_1" / "programs"
    inside.mkdir(parents=True)
    (inside.parent / "metadata.json").write_text("{}")
    for name, source in (("a", example_program().source), ("b", "x = '\ud800'")):
        values = {"id": name, "code": source, "parent_id": None if name == "a" else "a", "metrics": {}}
        (inside / f"{name}.json").write_text(json.dumps(values))
    layout, left, _ = read_left(inside.parent)
    study = create_study(tmp_path / "study", example_program().source, SMALL, traces=2, outside=True)
    imported = import_left(study, layout, left, held_out=0)
    assert [row["verdict"] for row in imported.rows] == ["identical placements", "rejected"]
    assert pq.read_table(imported.file)["source"].to_pylist()[1] == "x = '?'"


@pytest.mark.long
def test_the_command_says_what_came_of_it(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    steps, _ = searched()
    LAYOUTS["skydiscover"](tmp_path / "run", steps)
    words = ["evolve", "import", "run", "--traces", "4", "--jobs", "2", *SMALL]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "6 programs and documents of skydiscover, 7 distinct programs judged" in said
    assert "better than their parents, by the engine's scores: 4: 1 holds, 1 noise, 1 contrary, 1 invalid" in said
    assert "broken by the way they were applied: 1" in said
    assert "better than the initial program, confirmed on the held-out part: 2 distinct programs" in said
    assert main([*words, "--json"]) == 0
    assert {row["finding"] for row in json.loads(capsys.readouterr().out)["rows"]} >= {"holds", "broken"}
    assert main(["evolve", "report", "runs/studies/run"]) == 0
    assert "6 questions about 6 programs" in capsys.readouterr().out
    assert main(["evolve", "import", "run", "--matching", "nobody's"]) == 2
    assert main(["evolve", "import", "run", "--parent", "run/checkpoints/checkpoint_6/metadata.json"]) in (2, 3)


@pytest.mark.long
def test_a_hundred_programs_are_imported_from_each_layout(tmp_path):
    """Comments, which change nothing; divisors, which change replicas; what raises; what is meant otherwise.

    Those of one study are judged once, whichever engine left them behind.
    """
    steps = [step for step in searched()[0] if step.name != "refused"]
    better = steps[1].source
    for number in range(6, 101):
        kind, parent = number % 5, ("start", INITIAL) if number % 2 else ("better", better)
        edits = {
            0: (HOTTEST, f"        # idea {number}\n{HOTTEST}"),
            1: (HOTTEST, HOTTEST.replace("weight / count", f"weight / (count + {number} / 100)")),
            2: (HOTTEST, HOTTEST.replace("weight / count", f"weight / count ** {1 + number / 100}")),
            3: (HOTTEST, f"        if count.sum() > {number}:\n            raise ValueError({number})\n{HOTTEST}"),
            4: ("    return pack_of, place\n", f"    assert {number}\n    return pack_of, place\n"),
        }
        source, document = made(parent[1], *edits[kind])
        steps.append(Step(f"p{number}", number, parent[0], source, document, 0.3 + number / 1000))
    create_study(tmp_path / "study", INITIAL, SMALL, traces=4, outside=True, traces_seed=1)
    initial = tmp_path / "initial.py"
    initial.write_text(INITIAL)
    for layout, write in LAYOUTS.items():
        write(tmp_path / layout, steps)
        name, left, missing = read_left(tmp_path / layout)
        study = study_for(tmp_path / "study", left, SMALL, traces=4, parent=initial)
        rows = import_left(study, name, left, missing, jobs=2, held_out=6).rows
        assert len(rows) == (100 if layout == "pairs" else 101)
        verdicts = Counter(row["verdict"] for row in rows)
        assert verdicts["invalid"] >= 20
        assert verdicts["better"] >= 20
        assert layout == "gepa" or {row["applied"] for row in rows} >= {"as meant", "otherwise"}
        for row in rows:
            number = int(row["name"][1:]) if row["name"].startswith("p") else 1
            if number % 5 in (0, 4):
                assert abs(row["step_difference"]) < 0.001, "a step that changes nothing is none"
                assert row["finding"] == "noise" or not row["engine_claims"]
    history = history_of(study)
    assert history.asked == 101 * 4 + 100
    assert len(history.programs) == 101
