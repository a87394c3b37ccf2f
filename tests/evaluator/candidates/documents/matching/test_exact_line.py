"""The default semantics: whole lines, one place, within the EVOLVE-BLOCK, and never in part."""

from __future__ import annotations

import pytest

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.document import parse_document
from evaluator.candidates.documents.matching import NotApplied
from evaluator.candidates.documents.matching.exact_line import apply

PARENT = """\
import torch

# EVOLVE-BLOCK-START
def first(x):
    if x:
        return x
    y = 1
    return x


def second(x):
    y = 2
    return -x
# EVOLVE-BLOCK-END

TAIL = 1
"""


def block(search, replace=""):
    return f"<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


def applied(text, parent=PARENT):
    return apply(parse_document(text), parent)


def rejected(text, parent=PARENT):
    with pytest.raises(NotApplied) as raised:
        applied(text, parent)
    assert "\n" not in str(raised.value)
    return raised.value


def test_a_line_is_matched_as_a_whole():
    """``    return x`` is also a part of the deeper line above it, which is not a match."""
    done = applied(block("    return x\n", "    return x + 1\n"))
    assert done.program == PARENT.replace("\n    return x\n", "\n    return x + 1\n")
    assert done.notes == ()


def test_edits_are_made_one_after_another():
    text = block("    y = 2\n", "    z = 3\n") + block("    z = 3\n    return -x\n", "    return 3\n")
    assert applied(text).program == PARENT.replace("    y = 2\n    return -x\n", "    return 3\n")


def test_an_empty_replace_deletes_the_lines():
    assert applied(block("    y = 1\n")).program == PARENT.replace("    y = 1\n", "")


def test_several_matches_are_listed():
    error = rejected(block("    y = 1\n", "    y = 2\n") + block("    y = 2\n", "    y = 3\n"))
    assert "matches in 2 places of the text so far, in lines 7 and 12" in str(error)


def test_matches_that_overlap_are_several():
    assert "lines 1 and 2" in str(rejected(block("x\nx\n"), "x\nx\nx\n"))


def test_a_match_outside_counts_too():
    """A SEARCH that stands both inside and outside the EVOLVE-BLOCK is in two places of the text."""
    assert "lines 2 and 4" in str(
        rejected(block("x = 1\n", "x = 2\n"), "# EVOLVE-BLOCK-START\nx = 1\n# EVOLVE-BLOCK-END\nx = 1\n")
    )


def test_no_match_shows_the_closest_lines():
    error = rejected(block("def second(x):\n    y = 3\n    return -x\n", "pass\n"))
    assert "the closest lines, 11 to 13, differ" in str(error)
    assert "-    y = 3\n+    y = 2" in error.detail
    assert "--- SEARCH\n+++ lines 11 to 13" in error.detail


def test_white_space_is_named_as_the_difference():
    assert "differ in white space only" in str(rejected(block("    y = 1  \n", "pass\n")))


def test_one_line_that_is_only_alike_is_found():
    assert "-TAIL = 2\n+TAIL = 1" in rejected(block("TAIL = 2\n")).detail


def test_nothing_alike_is_said():
    error = rejected(block("completely_different_thing()\n", "pass\n"))
    assert "nor anything like it" in str(error)
    assert error.detail == ""


def test_a_line_that_was_left_out_of_search_is_shown():
    error = rejected(block("def first(x):\n    y = 1\n    return x\n"))
    assert "+    if x:" in error.detail
    assert "the closest lines, 4 to 8" in str(error)


@pytest.mark.parametrize("search", ["", "\n", "  \n\t\n"])
def test_an_empty_search_is_rejected(search):
    assert "is empty" in str(rejected(block(search, "x = 1\n")))


@pytest.mark.parametrize(
    "search", ["TAIL = 1\n", "import torch\n", "# EVOLVE-BLOCK-END\n", "    return -x\n# EVOLVE-BLOCK-END\n"]
)
def test_outside_the_evolve_block_nothing_may_be_changed(search):
    assert "not within an EVOLVE-BLOCK" in str(rejected(block(search, "x = 1\n")))


@pytest.mark.parametrize("marker", ["# EVOLVE-BLOCK-START", "    #EVOLVE-BLOCK-END"])
def test_a_replacement_must_not_move_the_markers(marker):
    assert "contains an EVOLVE-BLOCK marker" in str(rejected(block("    y = 1\n", f"{marker}\n")))


def test_without_markers_all_may_be_changed():
    assert applied(block("b\n", "c\n"), "a\nb\n").program == "a\nc\n"


@pytest.mark.parametrize("parent", ["# EVOLVE-BLOCK-START\nx\n", "x\n# EVOLVE-BLOCK-END\n"])
def test_markers_that_do_not_pair_are_the_parents_fault(parent):
    with pytest.raises(EplbError, match="EVOLVE-BLOCK"):
        applied(block("x\n", "y\n"), parent)


def test_nothing_is_applied_in_part():
    error = rejected(block("    y = 1\n", "    y = 9\n") + block("    gone = 1\n", "    gone = 2\n"))
    assert "block in line 6" in str(error)


@pytest.mark.parametrize("given", ["\n", "\r\n"], ids=["LF document", "CRLF document"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF parent", "CRLF parent"])
def test_line_ends_are_the_parents(given, end):
    parent = PARENT.replace("\n", end)
    text = block("    y = 2\n    return -x\n", "    z = 2\n\n    return z\n").replace("\n", given)
    want = PARENT.replace("    y = 2\n    return -x\n", "    z = 2\n\n    return z\n").replace("\n", end)
    assert applied(text, parent).program == want


def test_lines_outside_the_match_keep_mixed_ends():
    assert applied(block("b\n", "c\nd\n"), "a\r\nb\r\nx\ny\r\n").program == "a\r\nc\r\nd\r\nx\ny\r\n"


def test_a_missing_final_newline_stays_missing():
    assert applied(block("b\n", "c\nd\n"), "a\nb").program == "a\nc\nd"
    assert applied(block("a\n", "c\n"), "a\nb").program == "c\nb"


def test_tabs_and_form_feeds_are_part_of_a_line():
    assert applied(block("\tb\x0cc\n", "\td\n"), "a\n\tb\x0cc\n").program == "a\n\td\n"


def test_edits_that_change_nothing_are_noted():
    assert applied(block("    y = 1\n", "    y = 1\n")).notes == ("the edits leave the parent as it is",)


def test_code_goes_between_the_markers():
    done = applied("<CODE>\n```python\ndef first(x):\n    return 0\n```\n</CODE>\n")
    head, tail = PARENT.split("def first")[0], "# EVOLVE-BLOCK-END\n\nTAIL = 1\n"
    assert done.program == f"{head}def first(x):\n    return 0\n{tail}"
    assert "between the parent's EVOLVE-BLOCK markers" in done.notes[0]


def test_code_takes_the_parents_line_ends():
    assert "def g(): pass\r\n" in applied("<CODE>\ndef g(): pass\n</CODE>", PARENT.replace("\n", "\r\n")).program


def test_code_with_markers_takes_the_parents_place():
    code = PARENT.replace("y = 1", "y = 7")
    assert applied(f"<CODE>\n```python\n{code}```\n</CODE>").program == code


def test_code_for_a_parent_without_markers_takes_its_place():
    assert applied("<CODE>\nx = 1\n</CODE>", "x = 0\n").program == "x = 1\n"


def test_code_without_markers_for_several_blocks_is_rejected():
    assert "2 blocks" in str(rejected("<CODE>\nx = 1\n</CODE>", PARENT + PARENT))


def test_a_whole_file_takes_the_parents_place_byte_for_byte():
    done = applied("x = 1\r\ny = 2")
    assert done.program == "x = 1\r\ny = 2"
    assert "outside the EVOLVE-BLOCK, too" in done.notes[1]


def test_a_whole_file_that_keeps_to_the_evolve_block_is_not_accused():
    assert len(applied(PARENT.replace("y = 1", "y = 7")).notes) == 1


def test_a_malformed_document_is_rejected_with_its_fault():
    with pytest.raises(EplbError, match="cut off in line 2"):
        apply(parse_document("<<<<<<< SEARCH\nx\n", strict=False), PARENT)
