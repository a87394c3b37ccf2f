from __future__ import annotations

import os
import socket
from importlib import resources
from pathlib import Path

import pytest

from eplb_variants import EplbError
from evaluator.candidates.docket import candidate_files, read_entries, report_on, shared_notes
from evaluator.candidates.judging.schema import IDENTICAL, REJECTED
from evaluator.candidates.program import Program
from evaluator.progress import Silent

EXAMPLES = resources.files("evaluator.examples").joinpath("candidates")
PARENT = Program("balancer", resources.files("evaluator.examples").joinpath("programs", "balancer.py").read_text())


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a patch, the same under another name and with other words, and one that does not apply."""
    patch = EXAMPLES.joinpath("two_moves.txt").read_text()
    (tmp_path / "a.txt").write_text(patch)
    (tmp_path / "b.txt").write_text(patch.replace("two_moves", "renamed").replace("The", "A").replace("\n", "\r\n"))
    (tmp_path / "c.txt").write_text(patch.replace("fix_up(weight, count)", "fix_it_up(weight, count)"))
    (tmp_path / ".hidden").write_text("no candidate")
    return tmp_path


def test_files_and_folders_are_candidates(folder):
    files = candidate_files([str(folder), str(folder / "a.txt")])
    assert [file.name for file in files] == ["a.txt", "b.txt", "c.txt", "a.txt"]
    with pytest.raises(EplbError, match="there is no candidate"):
        candidate_files([str(folder / "x.txt")])
    (folder / "empty").mkdir()
    with pytest.raises(EplbError, match="holds no candidates"):
        candidate_files([str(folder / "empty")])


def test_what_cannot_be_read_has_its_row_and_the_others_go_on(folder):
    """Pipes, sockets, devices, links that lead nowhere, a file of a terabyte, and a name that is not UTF-8."""
    os.mkfifo(folder / "d_pipe")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "d_socket"))
    (folder / "d_device").symlink_to("/dev/zero")
    (folder / "d_link").symlink_to("gone")
    (folder / "folder").mkdir()
    with (folder / "d_much").open("wb") as file:
        file.truncate(1 << 40)
    name = os.fsdecode(os.fsencode(folder) + b"/\xff\x1b[31m.txt")
    with open(name, "w") as file:
        file.write("x = 1\n")
    entries = read_entries(candidate_files([str(folder)]), PARENT, "exact-line")
    found = {entry.name: entry for entry in entries}
    assert len(entries) == 9
    assert "a pipe" in found["d_pipe"].reason
    assert "a socket" in found["d_socket"].reason
    assert "a device" in found["d_device"].reason
    assert "leads nowhere" in found["d_link"].reason
    assert "bytes" in found["d_much"].reason
    odd = found["\\udcff\\x1b[31m"]
    assert odd.program is not None
    assert odd.path.encode("utf-8")
    assert [entry.program is not None for entry in entries[:3]] == [True, True, False]


def test_what_is_named_is_a_candidate_if_it_is_there(tmp_path):
    (tmp_path / "link").symlink_to("gone")
    assert candidate_files([tmp_path / "link", "/dev/null"]) == [tmp_path / "link", Path("/dev/null")]


def test_a_link_out_of_a_folder_is_not_followed_unless_it_is_named_itself(tmp_path):
    (tmp_path / "secret.py").write_text("x = 1\n")
    folder = tmp_path / "strangers"
    folder.mkdir()
    (folder / "own.py").write_text("y = 1\n")
    (folder / "within.py").symlink_to("own.py")
    (folder / "out.py").symlink_to("../secret.py")
    (folder / "round.py").symlink_to("round.py")
    entries = read_entries(candidate_files([folder]), PARENT, "exact-line", named=[folder])
    found = {entry.name: entry for entry in entries}
    assert {name: entry.program is not None for name, entry in found.items()} == {
        "own": True,
        "within": True,
        "out": False,
        "round": False,
    }
    assert found["out"].reason == "it is a link that leads out of the folder: name it itself"
    (entry,) = read_entries(candidate_files([folder / "out.py"]), PARENT, "exact-line", named=[folder / "out.py"])
    assert entry.program is not None


def test_a_folder_that_cannot_be_listed_is_said(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(EplbError, match="cannot be listed: Permission denied"):
        candidate_files([tmp_path])


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("[/red]", "[/red]"),
        ("a\x1b[31m\rb", r"a\x1b[31m\rb"),
        ("a\u202eb\u200d", r"a\u202eb\u200d"),
        ("x" * 1000, "x" * 60),
        ("\u65e5" * 1000, "\u65e5" * 30),
        ("two\nlines", r"two\nlines"),
    ],
)
def test_a_name_is_printable_and_fits_into_a_table(folder, given, shown):
    (folder / "a.txt").write_text(
        f"<NAME>\n{given}\n</NAME>\n{EXAMPLES.joinpath('two_moves.txt').read_text()}", newline=""
    )
    (entry,) = read_entries([folder / "a.txt"], PARENT, "exact-line")
    assert entry.name == shown


def test_the_steps_are_told(folder):
    class Told(Silent):
        def __init__(self):
            self.steps = []

        def step(self, doing):
            self.steps.append(doing)

    told = Told()
    read_entries(candidate_files([folder]), PARENT, "exact-line", told)
    assert told.steps == ["two_moves", "renamed", "two_moves"]


def test_the_same_program_is_one_whatever_its_document_says(folder):
    entries = read_entries(candidate_files([str(folder)]), PARENT, "exact-line")
    assert [entry.name for entry in entries] == ["two_moves", "renamed", "two_moves"]
    assert entries[0].program.key == entries[1].program.key
    assert entries[2].program is None
    assert entries[2].reason


def test_every_document_is_reported_on(folder):
    entries = read_entries(candidate_files([str(folder)]), PARENT, "exact-line")
    row = {
        "candidate": "two_moves",
        "verdict": IDENTICAL,
        "check": None,
        "balancedness_gpu_next": 0.9,
        "repeats": True,
        "score": 1.0,
        "score_parent": 1.0,
        "time_ratio": None,
    }
    for name in ("_parent", "_difference", "_difference_low", "_difference_high"):
        row[f"balancedness_gpu_next{name}"] = 0.0
    said = report_on(entries, {entries[0].program.key: row})
    assert [line["verdict"] for line in said] == [IDENTICAL, IDENTICAL, REJECTED]
    assert [line["same_as"] for line in said] == [None, "two_moves", None]
    assert said[2]["feedback"]["text"].startswith("the document did not apply")
    assert said[0]["feedback"]["text"].startswith("the placements are the parent's")


def test_other_semantics_are_said_where_they_differ(folder):
    (folder / "c.txt").unlink()
    outside = EXAMPLES.joinpath("global_packing.txt").read_text()
    (folder / "outside.txt").write_text(outside)
    *_, entry = read_entries(candidate_files([str(folder)]), PARENT, "exact-line")
    assert "not within an EVOLVE-BLOCK" in entry.reason
    assert any("under openevolve: another program" in note for note in entry.notes)


@pytest.mark.parametrize("name", ["diverse_packing.txt", "two_moves.txt", "even_swap.txt", "snake_deal.py"])
def test_the_examples_apply(name):
    with resources.as_file(EXAMPLES.joinpath(name)) as path:
        (entry,) = read_entries([path], PARENT, "exact-line")
    assert entry.program is not None, entry.reason


def test_a_note_is_said_once_with_those_that_it_holds_for():
    rows = [{"candidate": name, "notes": notes} for name, notes in (("a", ["x", "y"]), ("b", ["x"]), ("a", ["x", "y"]))]
    assert shared_notes(rows) == [("all 3 documents", "x"), ("a", "y")]
    assert shared_notes(rows[:1]) == [("a", "x"), ("a", "y")]
    many = [{"candidate": str(number), "notes": ["x"] * (number > 0)} for number in range(9)]
    assert shared_notes(many) == [("1, 2, 3 and 5 more", "x")]
