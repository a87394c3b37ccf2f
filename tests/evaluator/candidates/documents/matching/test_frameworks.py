"""What each semantics makes of each kind of document: the grammars of four frameworks, warts included."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.document import parse_document
from evaluator.candidates.documents.matching import MATCHINGS

PARENT = """\
head = 1
# EVOLVE-BLOCK-START
def f(a):
    if a:
        return a
    b = 2

    return a
# EVOLVE-BLOCK-END
tail = 1
"""
BARE = PARENT.removesuffix("\n")
"""What ShinkaEvolve makes of the parent itself: it drops white space at line ends, and with it the final newline."""
TWICE = PARENT.replace("    b = 2\n", "    b = 2\n    b = 2\n")
REJECTED = None


def block(search, replace):
    return f"<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


class Row(NamedTuple):
    """A document, and the program that each semantics makes of it; None where it is rejected."""

    document: str
    exact_line: str | None
    shinka: str | None
    openevolve: str | None
    skydiscover: str | None
    codeevolve: str | None
    parent: str = PARENT


CHANGED = PARENT.replace("    b = 2\n", "    b = 3\n")
B3 = block("    b = 2\n", "    b = 3\n")
LAST_RETURN = PARENT.replace("\n    return a\n", "\n    return -a\n")
DEEP_RETURN = PARENT.replace("        return a\n", "        return -a\n")
REINDENTED = PARENT.replace("    b = 2\n\n    return a\n", "    b = 3\n    return b\n")
CODE = "<CODE>\n```python\nx = 1\n```\n</CODE>\n"
SPLICED = "head = 1\n# EVOLVE-BLOCK-START\nx = 1\n# EVOLVE-BLOCK-END\ntail = 1\n"

ROWS = {
    "match unit": Row(
        block("    return a\n", "    return -a\n"),
        exact_line=LAST_RETURN,
        shinka=DEEP_RETURN.removesuffix("\n"),
        openevolve=LAST_RETURN,
        skydiscover=LAST_RETURN,
        codeevolve=DEEP_RETURN,
    ),
    "white space at line ends": Row(
        block("    b = 2  \n\n    return a\n", "    b = 3\n    return b\n"),
        exact_line=REJECTED,
        shinka=REINDENTED.removesuffix("\n"),
        openevolve=REINDENTED,
        skydiscover=REJECTED,
        codeevolve=REJECTED,
    ),
    "SEARCH at column 0": Row(
        block("b = 2\n\nreturn a\n", "b = 3\nreturn b\n"),
        exact_line=REJECTED,
        shinka=REINDENTED.removesuffix("\n"),
        openevolve=REJECTED,
        skydiscover=REJECTED,
        codeevolve=REJECTED,
    ),
    "several matches": Row(
        B3,
        exact_line=REJECTED,
        shinka=TWICE.replace("b = 2", "b = 3", 1).removesuffix("\n"),
        openevolve=TWICE.replace("b = 2", "b = 3", 1),
        skydiscover=TWICE.replace("b = 2", "b = 3", 1),
        codeevolve=TWICE.replace("b = 2", "b = 3", 1),
        parent=TWICE,
    ),
    "one block misses": Row(
        B3 + block("    gone = 1\n", "    gone = 2\n"),
        exact_line=REJECTED,
        shinka=REJECTED,
        openevolve=CHANGED,
        skydiscover=CHANGED,
        codeevolve=REJECTED,
    ),
    "all blocks miss": Row(
        block("    gone = 1\n", "    gone = 2\n"),
        exact_line=REJECTED,
        shinka=REJECTED,
        openevolve=REJECTED,
        skydiscover=REJECTED,
        codeevolve=REJECTED,
    ),
    "order: a block builds on one before": Row(
        block("    b = 2\n", "    c = 2\n") + block("    c = 2\n", "    b = 3\n"),
        exact_line=CHANGED,
        shinka=CHANGED.removesuffix("\n"),
        openevolve=CHANGED,
        skydiscover=CHANGED,
        codeevolve=REJECTED,
    ),
    "order: a block removes what a later one wants": Row(
        block("    b = 2\n", "    b = 3\n") + block("    b = 2\n", "    b = 4\n"),
        exact_line=REJECTED,
        shinka=REJECTED,
        openevolve=CHANGED,
        skydiscover=CHANGED,
        codeevolve=CHANGED,
    ),
    "SEARCH of one empty line": Row(
        block("\n", "    c = 3\n"),
        exact_line=REJECTED,
        shinka=BARE.replace("# EVOLVE-BLOCK-END", "    c = 3# EVOLVE-BLOCK-END"),
        openevolve=PARENT.replace("\n\n", "\n    c = 3\n"),
        skydiscover=PARENT.replace("\n\n", "\n    c = 3\n"),
        codeevolve=PARENT.replace("def f", "c = 3def f"),
    ),
    "SEARCH of no line": Row(
        block("", "    c = 3\n"),
        exact_line=REJECTED,
        shinka=REJECTED,
        openevolve=PARENT.replace("\n\n", "\n    c = 3\n"),
        skydiscover=PARENT.replace("\n\n", "\n    c = 3\n"),
        codeevolve=PARENT.replace("def f", "c = 3def f"),
    ),
    "empty REPLACE": Row(
        block("    b = 2\n", "") + block("def f(a):\n", "def f(c):\n"),
        exact_line=PARENT.replace("    b = 2\n", "").replace("f(a)", "f(c)"),
        shinka=BARE.replace(
            "    b = 2",
            ">>>>>>> REPLACE\n<<<<<<< SEARCH\ndef f(a):\n=======\ndef f(c):",
        ),
        openevolve=PARENT.replace("    b = 2\n", "\n").replace("f(a)", "f(c)"),
        skydiscover=PARENT.replace("    b = 2\n", "\n").replace("f(a)", "f(c)"),
        codeevolve=PARENT.replace("    b = 2\n", "    \n").replace("f(a)", "f(c)"),
    ),
    "truncated last block": Row(
        B3 + "<<<<<<< SEARCH\ndef f(a):\n=======\ndef f(",
        exact_line=REJECTED,
        shinka=CHANGED.removesuffix("\n"),
        openevolve=REJECTED,
        skydiscover=CHANGED,
        codeevolve=CHANGED,
    ),
    "CRLF in both": Row(
        block("    b = 2\n\n", "    b = 3\n\n").replace("\n", "\r\n"),
        exact_line=CHANGED.replace("\n", "\r\n"),
        shinka=CHANGED.removesuffix("\n"),
        openevolve=REJECTED,
        skydiscover=REJECTED,
        codeevolve=CHANGED.replace("\n", "\r\n"),
        parent=PARENT.replace("\n", "\r\n"),
    ),
    "CRLF in the document": Row(
        B3.replace("\n", "\r\n"),
        exact_line=CHANGED,
        shinka=CHANGED.removesuffix("\n"),
        openevolve=REJECTED,
        skydiscover=REJECTED,
        codeevolve=CHANGED,
    ),
    "outside the EVOLVE-BLOCK": Row(
        block("tail = 1\n", "tail = 2\n"),
        exact_line=REJECTED,
        shinka=REJECTED,
        openevolve=PARENT.replace("tail = 1", "tail = 2"),
        skydiscover=PARENT.replace("tail = 1", "tail = 2"),
        codeevolve=REJECTED,
    ),
    "CODE": Row(
        CODE,
        exact_line=SPLICED,
        shinka=SPLICED,
        openevolve="x = 1",
        skydiscover="x = 1",
        codeevolve=REJECTED,
    ),
    "CODE with markers": Row(
        CODE.replace("x = 1", SPLICED.strip().replace("tail = 1", "tail = 2")),
        exact_line=SPLICED.replace("tail = 1", "tail = 2"),
        shinka=SPLICED,
        openevolve=SPLICED.strip().replace("tail = 1", "tail = 2"),
        skydiscover=SPLICED.strip().replace("tail = 1", "tail = 2"),
        codeevolve=REJECTED,
    ),
    "CODE that repeats what is outside": Row(
        CODE.replace("x = 1", "head = 1\nx = 1\n\ntail = 1"),
        exact_line=SPLICED.replace("x = 1\n", "head = 1\nx = 1\n\ntail = 1\n"),
        shinka=SPLICED,
        openevolve="head = 1\nx = 1\n\ntail = 1",
        skydiscover="head = 1\nx = 1\n\ntail = 1",
        codeevolve=REJECTED,
        parent=PARENT,
    ),
    "CODE with the START marker only": Row(
        CODE.replace("x = 1", "# EVOLVE-BLOCK-START\nx = 1"),
        exact_line=REJECTED,
        shinka=SPLICED,
        openevolve="# EVOLVE-BLOCK-START\nx = 1",
        skydiscover="# EVOLVE-BLOCK-START\nx = 1",
        codeevolve=REJECTED,
    ),
    "a whole file": Row(
        "x = 1\n",
        exact_line="x = 1\n",
        shinka=REJECTED,
        openevolve="x = 1\n",
        skydiscover="x = 1\n",
        codeevolve=REJECTED,
    ),
}
CELLS = [(row, matching) for row in ROWS for matching in MATCHINGS]


@pytest.mark.parametrize(("row", "matching"), CELLS, ids=[f"{matching}: {row}" for row, matching in CELLS])
def test_a_cell_of_the_grammar_table(row, matching):
    case = ROWS[row]
    document = parse_document(case.document, case.parent, strict=False)
    want = getattr(case, matching.replace("-", "_"))
    if want is REJECTED:
        with pytest.raises(EplbError):
            MATCHINGS[matching](document, case.parent)
    else:
        assert MATCHINGS[matching](document, case.parent).program == want


@pytest.mark.parametrize("matching", ["shinka", "openevolve", "skydiscover", "codeevolve"])
def test_what_a_framework_does_silently_is_said(matching):
    """Two matches, of which a framework takes the first, are named with their lines."""
    (note,) = MATCHINGS[matching](parse_document(B3), TWICE).notes
    assert note == "block 1 is ambiguous: it matches in 2 places, lines 6 and 7; the first was taken"


@pytest.mark.parametrize("matching", ["openevolve", "skydiscover"])
def test_a_block_that_was_skipped_is_said(matching):
    document = parse_document(ROWS["one block misses"].document)
    assert MATCHINGS[matching](document, PARENT).notes == ("block 2 of 2 did not match and was skipped",)


def test_codeevolve_says_which_block_it_lost():
    document = parse_document(ROWS["order: a block removes what a later one wants"].document)
    assert "block 2 is in the parent, but no longer" in MATCHINGS["codeevolve"](document, PARENT).notes[0]


def test_shinka_says_where_part_of_a_line_was_taken():
    notes = MATCHINGS["shinka"](parse_document(ROWS["match unit"].document), PARENT).notes
    assert notes[1] == "block 1 landed within line 5, although line 8 has it as whole lines"


def test_shinka_says_that_a_block_was_swallowed():
    notes = MATCHINGS["shinka"](parse_document(ROWS["empty REPLACE"].document), PARENT).notes
    assert "swallowed the next block" in notes[0]


def test_openevolve_says_that_a_program_is_too_long_for_it():
    document = parse_document(block("    b = 2\n", "    b = 3\n" * 1000))
    assert "more than 10000 characters" in MATCHINGS["openevolve"](document, PARENT).notes[0]


@pytest.mark.parametrize("matching", ["shinka", "codeevolve"])
def test_frameworks_that_need_an_evolve_block_reject_a_parent_without(matching):
    with pytest.raises(EplbError, match="EVOLVE-BLOCK"):
        MATCHINGS[matching](parse_document(B3), "    b = 2\n")


def test_shinka_does_not_guess_between_two_evolve_blocks():
    with pytest.raises(EplbError, match="2 EVOLVE-BLOCKs"):
        MATCHINGS["shinka"](parse_document(CODE), PARENT + PARENT)
