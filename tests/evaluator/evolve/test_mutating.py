"""A search without a model: documents of a library are made for a program, applied, judged and put on record."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from eplb_variants import EplbError
from evaluator.candidates.documents.apply import apply_document
from evaluator.candidates.documents.document import parse_document, why_no_program
from evaluator.candidates.documents.matching import DEFAULT
from evaluator.candidates.program import example_program
from evaluator.candidates.reading import Reader
from evaluator.cli.main import main
from evaluator.evolve.imports import read_left
from evaluator.evolve.mutating.library import Mutation, library
from evaluator.evolve.mutating.loop import new_child, put_down, search
from evaluator.evolve.reporting import Found, history_of, lineage_of
from evaluator.evolve.study import create_study, key_of, read_study

from .conftest import SMALL, edited

SOURCE = example_program().source


def found(source, number=1, parent=None, score=0.5):
    one = Found(key_of(source), number, source, "now", "eplb", parent)
    one.answer = {"correct": True, "combined_score": score, "verdict": "no difference"}
    return one


def test_a_document_is_made_for_the_program_as_it_is_now():
    draw = np.random.default_rng(0)
    mutation = Mutation("m", "<<<<<<< SEARCH\nx = {any} + 1\n=======\nx = {x} + 1\n>>>>>>> REPLACE\n", ("2", "3"))
    made = {mutation.document_for("y = 0\nx = y * 7 + 1\n", draw) for _ in range(20)}
    assert made == {f"<<<<<<< SEARCH\nx = y * 7 + 1\n=======\nx = {x} + 1\n>>>>>>> REPLACE\n" for x in (2, 3)}
    assert mutation.document_for("x = 1\n", draw) is None
    plain = Mutation("m", "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n")
    assert plain.document_for("a\n", draw) == plain.text
    assert plain.document_for("b\n", draw) is None


def test_every_document_of_the_library_applies_somewhere_and_makes_python():
    """Those that change what another put there apply to its children."""
    applied = set()
    programs = [SOURCE]
    for seed in range(3):
        draw = np.random.default_rng(seed)
        for program in list(programs):
            for mutation in library():
                document = mutation.document_for(program, draw)
                if document is None:
                    continue
                child = apply_document(parse_document(document, program), program, DEFAULT).program
                assert why_no_program(child) is None, mutation.name
                applied.add(mutation.name)
                if len(programs) < 60:
                    programs.append(child)
    assert applied == {mutation.name for mutation in library()}
    assert len(applied) >= 12


def test_a_child_is_new_and_what_did_not_apply_is_put_down(study):
    seen, rejected = [found(SOURCE)], []
    outside = Mutation("outside", "<<<<<<< SEARCH\nimport torch\n=======\nimport os\n>>>>>>> REPLACE\n")
    with Reader(SOURCE, DEFAULT) as reader:
        child = new_child(seen, library(), reader, np.random.default_rng(1), rejected.append)
        assert key_of(child.source) != key_of(SOURCE)
        assert (child.parent, child.document.count("<<<<<<< SEARCH") > 0) == (key_of(SOURCE), True)
        again = new_child(seen, library(), reader, np.random.default_rng(1), rejected.append)
        assert again == child, "the same choices give the same child"
        assert rejected == []
        assert new_child(seen, [outside], reader, np.random.default_rng(1), rejected.append) is None
    assert {(line["mutation"], line["parent"]) for line in rejected} == {("outside", key_of(SOURCE))}
    assert "which is not within an EVOLVE-BLOCK" in rejected[0]["why"]
    for line in rejected[:2]:
        put_down(study, line)
    kept = (study.folder / "rejected.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in kept] == rejected[:2]


def test_the_lineage_goes_back_as_far_as_parents_are_known():
    a, b, c = found("a"), found("b", parent=key_of("a")), found("c", parent=key_of("b"))
    stranger, loop = found("d", parent="an engine's name"), found("e", parent=key_of("e"))
    history = type("History", (), {"programs": [a, b, c, stranger, loop]})()
    assert lineage_of(history, c) == [c, b, a]
    assert lineage_of(history, stranger) == [stranger]
    assert lineage_of(history, loop) == [loop]


def test_a_seed_program_that_cannot_be_judged_is_said(tmp_path):
    study = create_study(tmp_path / "study", "def rebalance_experts(*_): return None\n", SMALL, traces=2)
    with pytest.raises(EplbError, match="the seed program cannot be searched from"):
        search(study, 3)


@pytest.mark.long
def test_a_search_that_is_killed_goes_on_and_can_be_imported(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "worse.py").write_text(edited("worse"))
    words = ["search", "--programs", "--parent", "worse.py", "--workers", "2", *SMALL]
    command = [sys.executable, "-m", "evaluator.cli.main", *words, "--trials", "40"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    record = tmp_path / "runs" / "studies" / "programs" / "record.jsonl"
    until = time.monotonic() + 120
    while time.monotonic() < until and (not record.exists() or record.read_text().count("\n") < 6):
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert main([*words, "--trials", "20", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert 20 <= len(told["programs"]) <= 22, "a worker may end what it has begun"
    assert {program["engine"] for program in told["programs"]} == {"eplb"}
    layout, left, missing = read_left(record.parent)
    assert (layout, missing) == ("study", [])
    assert sum(one.document is not None for one in left) >= 18
    assert main([*words[:2], *SMALL, "--trials", "20"]) == 2, "another program"
    assert history_of(read_study(record.parent)).asked >= 20
