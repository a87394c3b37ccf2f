"""Damaged documents make a program or are rejected in a sentence; and the bench notices what is neither."""

from __future__ import annotations

import pytest

from evaluator.bench import documents
from evaluator.bench.damage.documents import damaged_document, samples
from evaluator.candidates.reading import Made, Reader
from evaluator.progress import Silent

COUNT = 300


def test_damaged_documents_are_applied_or_rejected():
    """Under every semantics, with no fault of ours, and each well within its limits."""
    tally = documents.try_documents(COUNT)
    assert tally.failures == {}
    assert tally.applied + tally.rejected == COUNT
    assert min(tally.applied, tally.rejected) > COUNT / 10
    assert 0 < tally.cpu_seconds <= documents.MOST_CPU_SECONDS
    assert tally.peak_bytes < 512 << 20


def test_the_same_number_is_the_same_document():
    assert damaged_document(7) == damaged_document(7) != damaged_document(8)
    assert damaged_document(7, 1) != damaged_document(7)
    assert len(set(samples())) == len(samples()) > 10


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (Made("x", reason="two\nlines of words"), "no sentence"),
        (Made("x", reason=""), "no sentence"),
        (Made("x", reason="long " * 1000), "no sentence"),
        (Made("x", reason="it cannot be read, by a fault of eplb-lab: KeyError", spoiled=True), "KeyError"),
        (Made("x", reason="the process that read it ended by SIGSEGV"), "SIGSEGV"),
        (Made("\x1b[31m", "x = 1\n", peak_bytes=1), "the name cannot be printed"),
        (Made("\ud800", "x = 1\n", peak_bytes=1), "the name cannot be printed"),
    ],
)
def test_what_is_neither_is_a_failure_and_is_kept(monkeypatch, tmp_path, made, says):
    monkeypatch.setattr(Reader, "read", lambda self, file: made)
    tally = documents.try_documents(3, keep=tmp_path / "kept")
    assert set(tally.failures) == {0, 1, 2}
    assert says in tally.failures[1]
    assert (tmp_path / "kept" / "document-1").read_bytes() == damaged_document(1)


def test_the_lines_say_what_was_found(monkeypatch, tmp_path):
    found = documents.Tally(5, 4, {3: "it broke"}, 0.5, 3 << 20, 100 << 20)
    monkeypatch.setattr(documents, "try_documents", lambda *arguments: found)
    lines = {line.what: line for line in documents.measure_documents(Silent(), 10, tmp_path)}
    assert lines["made a program"].value == 5
    assert lines["failures (3: it broke)"].met is False
    assert lines["CPU time of the slowest"].met is True
    assert lines["growth of memory over the second half"].met is False
