"""``eplb apply``: the program on stdout or in a file, the report beside it, the reason on stderr."""

from __future__ import annotations

import os

import pytest

from evaluator.cli.main import main

PARENT = "# EVOLVE-BLOCK-START\r\nif a:\r\n    x = 1\r\nx = 1\r\n# EVOLVE-BLOCK-END\r\n"
DOCUMENT = "<NAME>\nidea\n</NAME>\n<DIFF>\n<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n</DIFF>"
CHILD = PARENT.replace("\nx = 1", "\nx = 2")


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Write a parent and a candidate into an empty folder, and work there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parent.py").write_bytes(PARENT.encode())
    (tmp_path / "idea.txt").write_bytes(DOCUMENT.encode())
    return tmp_path


def apply(*arguments):
    return main(["apply", *arguments])


def test_the_program_is_written_byte_for_byte(files, capsys):
    assert apply("idea.txt", "--parent", "parent.py", "-o", "child.py") == 0
    assert (files / "child.py").read_bytes() == CHILD.encode()
    said = capsys.readouterr()
    assert "idea applies under exact-line: 1 edit\n" in said.out
    assert "under shinka: another program: block 1 is ambiguous" in said.out
    assert said.err == ""


def test_the_program_is_printed_where_no_file_is_named(files, capfdbinary):
    assert apply("idea.txt", "--parent", "parent.py") == 0
    said = capfdbinary.readouterr()
    assert said.out == CHILD.encode()
    assert b"applies under exact-line" in said.err


def test_check_makes_no_program(files, capsys):
    assert apply("idea.txt", "--parent", "parent.py", "--check", "-o", "child.py") == 0
    assert not (files / "child.py").exists()
    assert "x = 2" not in capsys.readouterr().out


def test_another_matching_is_used_and_said(files, capsys):
    assert apply("idea.txt", "--parent", "parent.py", "--matching", "shinka", "-o", "child.py") == 0
    assert (files / "child.py").read_text().splitlines()[2] == "    x = 2"
    assert "applies under shinka" in capsys.readouterr().out


def test_a_candidate_is_a_regular_file_and_its_name_is_printable(files, capfd):
    os.mkfifo("pipe.txt")
    os.symlink("/dev/zero", "zero.txt")
    for name, kind in (("pipe.txt", "a pipe"), ("zero.txt", "a device")):
        assert apply(name, "--parent", "parent.py") == 2
        assert f"the candidate '{name}' cannot be read: it is {kind}, not a regular file" in capfd.readouterr().err
    with open(b"\xff\x1b[31m.txt", "w") as file:
        file.write(DOCUMENT.replace("<NAME>\nidea\n</NAME>\n", ""))
    assert apply(os.fsdecode(b"\xff\x1b[31m.txt"), "--parent", "parent.py", "--check") == 0
    assert "\x1b" not in capfd.readouterr().out
    (files / "idea.txt").write_text(DOCUMENT.replace("x = 2", "x = ("))
    assert apply("idea.txt", "--parent", "parent.py", "--check") == 0
    assert "note: what comes of it is no Python program" in capfd.readouterr().out


@pytest.mark.parametrize("more", [[], ["--check"]])
def test_a_rejection_is_a_sentence_a_diff_and_exit_code_1(files, capsys, more):
    (files / "idea.txt").write_text(DOCUMENT.replace("x = 1", "if b:\n    x = 1"))
    assert apply("idea.txt", "--parent", "parent.py", "-o", "child.py", *more) == 1
    assert not (files / "child.py").exists()
    said = capsys.readouterr()
    assert said.out == ""
    assert (
        "idea.txt does not apply under exact-line: the SEARCH of the block in line 5 is not in the parent" in said.err
    )
    assert "-if b:\n+if a:" in said.err


def test_a_document_that_is_cut_off_or_not_utf_8_is_rejected(files, capsys):
    (files / "idea.txt").write_text(DOCUMENT[:-20])
    assert apply("idea.txt", "--parent", "parent.py") == 1
    assert "is cut off in line" in capsys.readouterr().err
    (files / "idea.txt").write_bytes(b"\xff")
    assert apply("idea.txt", "--parent", "parent.py") == 1
    assert "is not UTF-8 text" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none.txt", "--parent", "parent.py"], "'none.txt' cannot be read: there is no such file"),
        (["idea.txt", "--parent", "none.py"], "the file 'none.py' cannot be read: there is no such file"),
        (["idea.txt", "--parent", "parent.py", "--matching", "shinke"], "did you mean 'shinka'"),
        (["idea.txt", "--parent", "parent.py", "-o", "none/child.py"], "'none/child.py' cannot be written"),
    ],
)
def test_mistakes_of_usage_end_with_2(files, capsys, arguments, says):
    assert apply(*arguments) == 2
    assert says in capsys.readouterr().err


def test_without_an_output_file_the_program_is_printed(eplb, tmp_path):
    (tmp_path / "parent.py").write_text("x = 1\n")
    (tmp_path / "idea.txt").write_text(DOCUMENT)
    done = eplb("apply", "idea.txt", "--parent", "parent.py", check=0)
    assert done.stdout == "x = 2\n"
