"""Damaged recordings are refused in a sentence; and the bench notices hangs, crashes, hogs and words that are none."""

from __future__ import annotations

import pytest

from eplb_variants import EplbError
from evaluator.bench import damage, readers
from evaluator.progress import Silent
from evaluator.workloads import readers as reading

COUNT = 300


@pytest.mark.long
@pytest.mark.parametrize("name", damage.FORMATS)
def test_damaged_recordings_are_read_or_refused_in_a_sentence(name):
    """Each within 20 s of CPU time, and the process that reads them within a GiB with all its libraries."""
    tally = readers.try_reader(name, COUNT)
    assert tally.failures == {}
    assert tally.read + tally.refused == COUNT
    assert tally.refused > COUNT / 2
    assert 0 < tally.memory <= readers.MOST_MEMORY


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), "UnicodeDecodeError instead of a sentence"),
        (SystemExit(3), "SystemExit instead of a sentence"),
        (EplbError("two\nlines of words"), "cannot be printed"),
        (EplbError("\x1b[31m red words"), "cannot be printed"),
        (EplbError("x" * 2000), "too short or too long"),
        (EplbError(""), "too short or too long"),
        (EplbError("it needs more memory than there is"), "for want of memory only"),
    ],
)
def test_what_is_no_sentence_is_a_failure(monkeypatch, tmp_path, error, says):
    def fail(path):
        raise error

    monkeypatch.setattr(reading, "read_trace", fail)
    outcome, why = readers.outcome_of(tmp_path / "x")
    assert outcome == readers.FAILED
    assert says in why
    assert why.isprintable()


CHILD = """
import os, signal, sys
from pathlib import Path
from evaluator.bench import readers
from evaluator.workloads import readers as reading
from eplb_variants import EplbError

readers.CPU_SECONDS, readers.MOST_MEMORY = 3, 300 << 20

def read_trace(path):
    word = Path(path).read_text()
    if word == "hang":
        while True:
            pass
    if word == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if word == "leave":
        os._exit(7)
    if word == "hog":
        held = bytearray(os.urandom(1 << 20) * 300)
    if word == "print":
        sys.stderr.write("a warning")
    raise EplbError(f"it is refused: {word}")

reading.read_trace = read_trace
for result in readers.results(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]):
    sys.stdout.write(readers.json.dumps(result) + "\\n")
    sys.stdout.flush()
"""


@pytest.mark.long
def test_what_ends_a_process_costs_the_file_at_which_it_ended(monkeypatch, tmp_path):
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    monkeypatch.setattr(readers, "COMMAND", (readers.sys.executable, str(script)))
    words = ["good", "hang", "good", "crash", "leave", "hog", "good"]
    files = []
    for number, word in enumerate(["whole", *words]):
        (tmp_path / f"{number}").write_text(word)
        files.append((number, tmp_path / f"{number}"))
    tally, done = readers.Tally(), []
    readers._read_all(files[1:], files[0][1], tally, lambda: done.append(1))
    assert tally.refused == 3
    assert len(done) == len(words)
    assert sorted(tally.failures) == [2, 4, 5, 6]
    assert tally.failures[2].startswith("it took more than")
    assert tally.failures[4] == "the process crashed: ended by SIGSEGV"
    assert tally.failures[5] == "the process crashed: exit code 7"
    assert tally.failures[6].startswith("the process had taken")
    assert tally.memory > 300 << 20


def test_what_a_reader_prints_is_a_failure(monkeypatch, tmp_path):
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    monkeypatch.setattr(readers, "COMMAND", (readers.sys.executable, str(script)))
    (tmp_path / "print").write_text("print")
    (tmp_path / "whole").write_text("whole")
    tally = readers.Tally()
    readers._read_all([(0, tmp_path / "print")], tmp_path / "whole", tally, lambda: None)
    assert tally.failures == {0: "something was printed: a warning"}


def test_each_reader_has_its_lines_and_files_that_fail_are_kept(monkeypatch, tmp_path):
    def try_all(files, whole, tally, done):
        tally.refused, tally.memory, tally.seconds = len(files) - 1, 2 << 20, 0.5
        tally.failures[files[0][0]] = "a traceback"

    monkeypatch.setattr(readers, "_read_all", try_all)
    lines = readers.measure_readers(Silent(), 3, tmp_path / "kept")
    assert len(lines) == 5 * len(damage.FORMATS)
    assert [line.met for line in lines[:5]] == [None, None, False, True, None]
    assert lines[2].what == "canonical_npz, failures (0: a traceback)"
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {f"{name}-0" for name in damage.FORMATS}
    assert (tmp_path / "kept" / "adrs-0").read_bytes() == damage.damaged("adrs", 0)
