"""Whatever a document does to the process that reads it costs that document alone."""

from __future__ import annotations

import os
import signal

import pytest

from eplb_variants import EplbError
from evaluator.candidates import reading
from evaluator.candidates.program import example_program
from evaluator.candidates.reading import Made, Reader, made_of

PARENT = "x = 1\ny = 1\n"
HONEST = "<NAME>\nan idea\n</NAME>\n<<<<<<< SEARCH\ny = 1\n=======\ny = 2\n>>>>>>> REPLACE\n"


def misbehave(word):
    """Do to this process what no parser should."""
    if word == "hang":
        while True:
            pass
    if word == "sleep":
        signal.pause()
    if word == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if word == "leave":
        os._exit(7)
    if word == "hog":
        return bytearray(1 << 40)
    if word == "nest":
        raise RecursionError
    if word == "fault":
        raise KeyError("a secret of the document")
    raise EplbError("it is refused")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder in which the name of a document says what it does to its reader."""

    def made(file, parent, matching):
        if file.stem == "honest":
            return Made("an idea", parent.replace("y = 1", "y = 2"), notes=("seen",))
        return misbehave(file.stem)

    monkeypatch.setattr(reading, "made_of", made)
    return tmp_path


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("hang", "reading it takes more than 0.5 s of CPU time"),
        ("crash", "the process that read it ended by SIGSEGV"),
        ("leave", "the process that read it ended its process with code 7"),
        ("hog", "reading it takes more memory than a document may"),
        ("nest", "it is nested too deeply"),
        ("fault", "it cannot be read, by a fault of eplb-lab: KeyError in test_reading.py"),
    ],
)
def test_what_a_document_does_to_its_reader_is_its_reason(folder, word, reason):
    """The documents before it and behind it are read as if it were not there."""
    with Reader(PARENT, "exact-line", cpu_seconds=0.5) as reader:
        made = [reader.read(folder / f"{name}.txt") for name in ("honest", word, "honest")]
    assert [one.program for one in made] == ["x = 1\ny = 2\n", None, "x = 1\ny = 2\n"]
    assert made[0].notes == made[2].notes == ("seen",)
    assert made[1].name == word
    assert made[1].reason.startswith(reason)
    assert "secret" not in made[1].reason


def test_one_that_sleeps_is_ended_by_the_clock(folder):
    with Reader(PARENT, "exact-line", wall_seconds=0.2) as reader:
        assert reader.read(folder / "sleep.txt").reason == "reading it takes more than 0.2 s"
        assert reader.read(folder / "honest.txt").program is not None


def test_one_process_reads_many_documents(folder, monkeypatch):
    monkeypatch.setattr(reading, "made_of", lambda *arguments: Made("x", str(os.getpid())))
    with Reader(PARENT, "exact-line") as reader:
        programs = {reader.read(folder / f"{number}.txt").program for number in range(20)}
    assert len(programs) == 1
    assert programs != {str(os.getpid())}


def test_a_document_is_read_applied_and_compared(tmp_path):
    (tmp_path / "a.txt").write_text(HONEST)
    made = made_of(tmp_path / "a.txt", PARENT, "exact-line")
    assert (made.name, made.program, made.reason) == ("an idea", "x = 1\ny = 2\n", None)
    assert any(note.startswith("under shinka: rejects it") for note in made.notes)
    with Reader(PARENT, "exact-line") as reader:
        again = reader.read(tmp_path / "a.txt")
    assert (again.name, again.program, again.notes) == (made.name, made.program, made.notes)
    assert again.peak_bytes > 0


@pytest.mark.parametrize(
    "content", [HONEST.encode()[:-20], b"\xff", b"", b"x = ("], ids=["cut", "not UTF-8", "no", "("]
)
def test_a_reason_is_a_sentence(tmp_path, content):
    (tmp_path / "a.txt").write_bytes(content)
    made = made_of(tmp_path / "a.txt", PARENT, "exact-line")
    assert made.program is None
    assert made.reason.isprintable()
    assert len(made.reason) > 10


SECRET = "xyzzy"


@pytest.mark.parametrize(
    "text",
    [
        f">>>>>>> REPLACE {SECRET}\n>>>>>>> REPLACE\n",
        f"x = {SECRET} (\n",
        f"f'{{x!{SECRET}}}'\n",
        f"<<<<<<< SEARCH\n{SECRET}\n=======\n{SECRET}\n>>>>>>> REPLACE\n",
        f"<<<<<<< SEARCH\nx = 1\n=======\n# EVOLVE-BLOCK-START {SECRET}\n>>>>>>> REPLACE\n",
        f"# EVOLVE-BLOCK-END {SECRET}\nx = 1\n",
        f"<CODE>\n# EVOLVE-BLOCK-END {SECRET}\n</CODE>\n",
        f"# coding: {SECRET}\nx = 1\n",
        f"<CODE>\n```{SECRET}\n</CODE>\n",
        f"<DIFF {SECRET}>\n<DIFF>\n</DIFF>",
    ],
)
def test_no_reason_holds_text_of_the_document(tmp_path, text):
    """It may be told to a model."""
    (tmp_path / f"{SECRET}.txt").write_text(text)
    for parent in (PARENT, f"# EVOLVE-BLOCK-START\n{PARENT}# EVOLVE-BLOCK-END\n"):
        made = made_of(tmp_path / f"{SECRET}.txt", parent, "exact-line")
        assert made.reason is not None
        assert SECRET not in made.reason


def test_the_longest_answer_comes_back(tmp_path):
    """Each character of a program may be written out in twelve letters."""
    (tmp_path / "a.py").write_text(f"x = '{chr(0x1F642) * 390_000}'\n", encoding="utf-8")
    with Reader(example_program().source, "exact-line") as reader:
        made = reader.read(tmp_path / "a.py")
    assert made.reason is None
    assert len(made.program) > 390_000


def test_pythons_parser_may_fail_as_it_likes(tmp_path):
    """Deep nesting, long chains and unclosed parts end in a sentence, or in a process that is replaced."""
    kinds = {
        "minus": "-" * 200_000 + "1",
        "not": "x = " + "not " * 90_000 + "x",
        "open": "(" * 200_000,
        "attributes": "x" + ".a" * 150_000,
        "calls": "x" + "()" * 150_000,
        "operators": "x = 1" + "+1" * 150_000,
        "lambdas": "lambda: " * 40_000 + "1",
        "null": "x = '\0'",
        "digits": "x = " + "1" * 300_000,
    }
    with Reader(PARENT, "exact-line") as reader:
        for name, text in kinds.items():
            (tmp_path / f"{name}.py").write_text(text)
            made = reader.read(tmp_path / f"{name}.py")
            assert made.program is not None or len(made.reason) > 10
        (tmp_path / "honest.txt").write_text(HONEST)
        assert reader.read(tmp_path / "honest.txt").program == "x = 1\ny = 2\n"
