"""A program is its source, whatever it is called."""

from __future__ import annotations

import os

import pytest

from eplb_variants import EplbError
from evaluator.candidates.program import Program, example_program, read_program


def test_the_source_alone_says_which_program_it_is():
    assert Program("a", "x = 1\n").key == Program("b", "x = 1\n").key != Program("a", "x = 2\n").key


def test_a_program_is_read_as_it_is_and_called_after_its_file(tmp_path):
    (tmp_path / "mine.py").write_bytes("x = 'é'\r\n".encode())
    assert read_program(tmp_path / "mine.py") == Program("mine", "x = 'é'\r\n")


def test_a_program_that_cannot_be_read_is_said(tmp_path):
    with pytest.raises(EplbError, match="cannot be read"):
        read_program(tmp_path / "no.py")
    (tmp_path / "latin.py").write_bytes(b"# caf\xe9\n")
    with pytest.raises(EplbError, match="is not UTF-8 at byte 5"):
        read_program(tmp_path / "latin.py")


def test_a_program_is_read_as_documents_are(tmp_path):
    """Nothing that it is waits, or takes all memory; its name can be printed."""
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(EplbError, match="cannot be read: it is a pipe"):
        read_program(tmp_path / "pipe.py")
    with (tmp_path / "much.py").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(EplbError, match="cannot be read: it has more than"):
        read_program(tmp_path / "much.py")
    (tmp_path / "\x1b[31m.py").write_text("x = 1\n")
    assert read_program(tmp_path / "\x1b[31m.py").name == r"\x1b[31m"


def test_the_example_has_a_part_that_may_be_changed():
    program = example_program()
    assert program.name == "balancer"
    assert program.source.count("# EVOLVE-BLOCK-") == 2
