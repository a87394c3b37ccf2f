"""What reading and applying a document takes grows with the document, for every grammar and semantics."""

from __future__ import annotations

import sys

import pytest

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.apply import MOST_NOTES, apply_document, few
from evaluator.candidates.documents.document import MAX_CHARACTERS, parse_document
from evaluator.candidates.documents.matching import MATCHINGS, work
from evaluator.candidates.reading import CPU_SECONDS, Reader

from .families import FAMILIES, LINE, PARENT, block

SMALL, MOST_GROWTH = 8_000, 2.3
BOUNDED = (
    *("blocks that are alike", "markers in lines, and blocks", "lines at every depth", "many overlapping lines"),
)
"""Of these it is the number of blocks times that of near matches by nature; ``Work`` ends them."""
IN_EVERY_RUN = ("blanks behind a fence", "growing blocks", "blank lines in both parts, closed", "comments and a marker")


def steps_of(text):
    """Return how many lines of Python are run to read and apply a document, ours and difflib's."""
    steps = 0

    def count(frame, event, argument):
        nonlocal steps
        steps += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        document = parse_document(text, PARENT, strict=False)
        for matching in MATCHINGS:
            try:
                apply_document(document, PARENT, matching)
            except EplbError:
                continue
    except EplbError:
        pass
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.parametrize("name", FAMILIES)
def test_twice_the_document_is_twice_the_work(monkeypatch, name):
    """Counted in lines of Python; what a line does within C is bounded by ``Work``, or tried at full size below."""
    if name in BOUNDED:
        monkeypatch.setattr(work, "MOST", 20_000)
    ours, twice = (steps_of(FAMILIES[name](size)) for size in (SMALL, 2 * SMALL))
    assert 0 < twice <= MOST_GROWTH * ours


def read_at_full_size(name, folder):
    file = folder / "document.txt"
    file.write_text(FAMILIES[name](MAX_CHARACTERS - 2000)[:MAX_CHARACTERS], encoding="utf-8", newline="")
    with Reader(PARENT, "exact-line") as reader:
        made = reader.read(file)
    assert made.reason is None or "the process that read it" not in made.reason
    assert made.reason is None or "takes more" not in made.reason
    return made.cpu_seconds


@pytest.mark.parametrize("name", IN_EVERY_RUN)
def test_the_longest_documents_are_read_within_the_limit_of_cpu_time(tmp_path, name):
    """What grows with the square takes minutes at this size: the child that reads it would be ended."""
    assert 0 < read_at_full_size(name, tmp_path) < CPU_SECONDS


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in IN_EVERY_RUN])
def test_all_of_the_longest_documents_are_read_within_the_limit_of_cpu_time(tmp_path, name):
    assert 0 < read_at_full_size(name, tmp_path) < CPU_SECONDS


@pytest.mark.parametrize("matching", MATCHINGS)
def test_what_is_too_much_to_compare_is_said(monkeypatch, matching):
    monkeypatch.setattr(work, "MOST", 200)
    document = parse_document(block(LINE, LINE + "x\n") * 100, PARENT, strict=False)
    with pytest.raises(EplbError, match="too long to be compared"):
        apply_document(document, PARENT, matching)


def test_work_is_counted():
    counted = work.Work()
    counted.spend(work.MOST)
    assert counted.done == work.MOST
    with pytest.raises(EplbError, match="too long to be compared"):
        counted.search("")


def test_many_notes_are_few():
    assert few(["a", "b"]) == ("a", "b")
    assert len(few(["x"] * 1000)) == MOST_NOTES + 1
    assert few(["x"] * 1000)[-1] == "990 more notes of this kind"
