"""What stands in a document, part by part; whole documents are in test_document.py."""

from __future__ import annotations

import pytest

from eplb_variants import EplbError
from evaluator.candidates.documents.grammar import Content, Edit, fenced_program, first_part, scan

BLOCK = "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n"


def test_a_block_is_whole_lines_and_knows_where_it_begins():
    """An empty part is no line, an empty line is one."""
    assert scan(f"prose\n{BLOCK}").edits == (Edit("a\n", "b\n", 2),)
    assert scan("<<<<<<< SEARCH\n\n=======\n>>>>>>> REPLACE").edits == (Edit("\n", "", 1),)


def test_marker_lines_of_a_block_have_one_indentation():
    text = "  <<<<<<< SEARCH\n=======\n  =======\n>>>>>>> REPLACE\n  >>>>>>> REPLACE\n"
    assert scan(text).edits == (Edit("=======\n", ">>>>>>> REPLACE\n", 1),)


def test_prose_alone_holds_nothing():
    assert scan("a <<<<<<< SEARCH within a line\n") == Content()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<<<<<<< SEARCH\na\n", "begins in line 1 is cut off in line 2, within its SEARCH part"),
        ("<<<<<<< SEARCH\na\n=======\n", "is cut off in line 3, within its REPLACE part"),
        (f"<<<<<<< SEARCH\n{BLOCK}", "is cut off in line 2, where another begins"),
        ("<<<<<<< SEARCH\n=======\n=======\n>>>>>>> REPLACE\n", "has a second '=======' in line 3"),
        ("<<<<<<< SEARCH\n>>>>>>> REPLACE\n", "without a '=======' between"),
        (">>>>>>> REPLACE\n", "line 1 ends a block that has no beginning"),
        (f"<DIFF>\n{BLOCK}", "the <DIFF> that begins in line 1 is not closed"),
        ("<DIFF>\n</DIFF>\n", "the <DIFF> in line 1 has no SEARCH/REPLACE block"),
        ("<CODE>\nx\n", "the <CODE> that begins in line 1 is cut off in line 2"),
        ("<CODE>\n\n</CODE>\n", "the <CODE> in line 1 is empty"),
        ("<CODE>\n```\nx\n</CODE>\n", "the fence that begins in line 2 is cut off in line 4"),
        (f"<CODE>\nx\n</CODE>\n{BLOCK}", "both SEARCH/REPLACE blocks and a <CODE> element"),
        ("<CODE>\nx\n</CODE>\n" * 2, "has 2 <CODE> elements"),
        (f"{BLOCK}<<<<", "the document is cut off: a part begins in line 6, its last, '<<<<'"),
    ],
)
def test_a_part_that_is_cut_off_or_malformed_is_told_with_its_line(text, says):
    with pytest.raises(EplbError) as caught:
        scan(text)
    assert says in str(caught.value)


def test_code_is_taken_out_of_its_fence():
    assert scan("<CODE>\nx = 1\n</CODE>\n").program == "x = 1\n"
    assert scan("<CODE>\n\n```python\nx = '''\n```\n'''\n```\n</CODE>\n").program == "x = '''\n```\n'''\n"


def test_a_fence_that_is_left_open_is_noted():
    assert scan(f"```diff\n{BLOCK}```\n").notes == ()
    (note,) = scan(f"```diff\n{BLOCK}").notes
    assert note.startswith("the fence in line 1 is not closed")


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("no fence\n", None),
        ("```python\nx\n```\n", "x\n"),
        ("~~~\nx\n~~~\n", "x\n"),
        ("```\nprose\n```\n```py\nx\n```\n", "x\n"),
        ("```bash\nls\n```\n", None),
    ],
)
def test_the_fenced_program_is_the_one_that_is_marked_as_python(text, program):
    assert fenced_program(text) == program


@pytest.mark.parametrize(
    ("text", "says"), [("```\nx\n```\n" * 2, "has 2 fenced programs"), ("```\nx\n", "line 1 is cut off in line 2")]
)
def test_which_fenced_program_is_meant_is_not_guessed(text, says):
    with pytest.raises(EplbError, match=says):
        fenced_program(text)


def test_the_first_part_ends_the_prose():
    assert first_part(f"prose\n{BLOCK}") == len("prose\n")
    assert first_part("prose\n<CODE>\n") == len("prose\n")
    assert first_part("prose\n") == len("prose\n")
