"""Every form in which a candidate comes is read; what is cut off or malformed is rejected with its line."""

from __future__ import annotations

import pytest

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.document import Edit, parse_document, read_document
from evaluator.candidates.documents.mojibake import damage

BLOCK = "<<<<<<< SEARCH\n    a = 1\n=======\n    a = 2\n>>>>>>> REPLACE\n"
SECOND = "<<<<<<< SEARCH\n    b = 1\n=======\n    b = 2\n>>>>>>> REPLACE\n"
FULL = (
    f"<NAME>\ntwo_changes\n</NAME>\n\n<DESCRIPTION>\nBoth at once.\n</DESCRIPTION>\n\n"
    f"<DIFF>\n{BLOCK}\n</DIFF>\n<DIFF>\n{SECOND}\n</DIFF>"
)
EDIT = Edit("    a = 1\n", "    a = 2\n", 1)


def test_name_description_and_several_diffs():
    document = parse_document(FULL)
    assert (document.name, document.description) == ("two_changes", "Both at once.")
    assert [edit.search for edit in document.edits] == ["    a = 1\n", "    b = 1\n"]
    assert [edit.line for edit in document.edits] == [10, 18]
    assert document.program is None
    assert document.raw == FULL
    assert document.notes == ()


@pytest.mark.parametrize(
    "text",
    [
        BLOCK,
        BLOCK.removesuffix("\n"),
        BLOCK.replace("\n", "\r\n"),
        BLOCK.replace("SEARCH\n", "SEARCH  \n"),
        BLOCK.replace("<<<<<<< SEARCH", "<<<<<<<SEARCH"),
        "\ufeff" + BLOCK,
    ],
    ids=["bare", "no final newline", "CRLF", "white space behind a marker", "no space", "byte order mark"],
)
def test_a_bare_block(text):
    assert parse_document(text).edits == (EDIT,)


@pytest.mark.parametrize("fence", ["```", "```diff", "```python", "~~~"])
def test_fenced_blocks(fence):
    document = parse_document(f"I suggest:\n{fence}\n{BLOCK}{SECOND}{fence[:3]}\nDone.\n")
    assert [edit.line for edit in document.edits] == [3, 8]
    assert document.notes == ()


def test_a_fence_that_is_not_closed_is_noted():
    assert "fence in line 1 is not closed" in parse_document(f"```diff\n{BLOCK}").notes[0]


def test_an_empty_replace_deletes_and_an_empty_line_is_a_line():
    deleted = parse_document("<<<<<<< SEARCH\nx\n=======\n>>>>>>> REPLACE\n")
    emptied = parse_document("<<<<<<< SEARCH\nx\n=======\n\n>>>>>>> REPLACE\n")
    assert deleted.edits[0].replace == ""
    assert emptied.edits[0].replace == "\n"


def test_tabs_non_ascii_and_odd_line_breaks_are_kept():
    document = parse_document("<<<<<<< SEARCH\n\tx = 'é'  \n=======\n\ty = '→\x0c\u2028'\n>>>>>>> REPLACE\n")
    assert document.edits == (Edit("\tx = 'é'  \n", "\ty = '→\x0c\u2028'\n", 1),)


def test_an_indented_divider_is_text():
    """A docstring's underline is not the end of SEARCH, unless the block itself is indented like it."""
    document = parse_document("<<<<<<< SEARCH\n    Title\n    =======\n=======\n    T\n>>>>>>> REPLACE\n")
    assert document.edits[0].search == "    Title\n    =======\n"
    indented = parse_document("  <<<<<<< SEARCH\n  x\n  =======\n  y\n  >>>>>>> REPLACE\n")
    assert indented.edits == (Edit("  x\n", "  y\n", 1),)


def test_blocks_in_the_description_are_prose():
    document = parse_document(f"<DESCRIPTION>\nlike\n{BLOCK}</DESCRIPTION>\n<DIFF>\n{SECOND}</DIFF>\n")
    assert [edit.line for edit in document.edits] == [10]
    assert ">>>>>>> REPLACE" in document.description


def test_code_with_a_fence():
    document = parse_document("<NAME>\nn\n</NAME>\n<CODE>\n```python\nx = 1\n\ny = '''\n'''\n```\n</CODE>\n")
    assert document.program == "x = 1\n\ny = '''\n'''\n"
    assert document.is_fragment
    assert document.edits == ()


def test_code_without_a_fence():
    assert parse_document("<CODE>\nx = 1\n</CODE>").program == "x = 1\n"


@pytest.mark.parametrize("text", ["x = 1\n", "x = 1", "def f():\r\n\treturn 'é'\r\n", "s = '''\n" + BLOCK + "'''\n"])
def test_a_whole_python_file_is_taken_as_it_stands(text):
    document = parse_document(text, name="mine")
    assert (document.name, document.program, document.edits, document.is_fragment) == ("mine", text, (), False)
    assert not document.is_patch


def test_a_program_in_a_fence():
    document = parse_document("Here it is:\n\n```python\nx = 1\n```\nFast, too!\n")
    assert document.program == "x = 1\n"
    assert not document.is_fragment


def test_invalid_escapes_of_a_candidate_do_not_warn():
    assert parse_document("x = '\\d'\n").program is not None


def test_damage_is_repaired_and_said():
    document = parse_document(f"<DESCRIPTION>\ndonor {damage('→')} receiver\n</DESCRIPTION>\n{BLOCK}")
    assert document.description == "donor → receiver"
    assert "cp1252" in document.notes[0]
    assert damage("→") in document.raw


MALFORMED = {
    "in SEARCH": ("<<<<<<< SEARCH\nx\n", "begins in line 1 is cut off in line 2, within its SEARCH part"),
    "in REPLACE": (
        f"{BLOCK}<<<<<<< SEARCH\nx\n=======\ny",
        "begins in line 6 is cut off in line 9, within its REPLACE part",
    ),
    "in its last marker": (BLOCK[:-4], "begins in line 1 is cut off in line 5, within its REPLACE part"),
    "in its first marker": (f"{BLOCK}<<<<<<< SEA", "the document is cut off: a part begins in line 6"),
    "by DIFF": ("<DIFF>\n<<<<<<< SEARCH\nx\n</DIFF>\n", "is cut off in line 4, by </DIFF> within its SEARCH part"),
    "by another": (f"<<<<<<< SEARCH\nx\n{BLOCK}", "is cut off in line 3, where another begins"),
    "DIFF open": (f"<DIFF>\n{BLOCK}", "the <DIFF> that begins in line 1 is not closed"),
    "DIFF twice": (f"<DIFF>\n{BLOCK}<DIFF>\n{BLOCK}</DIFF>", "the <DIFF> that begins in line 1 is not closed"),
    "DIFF empty": ("<DIFF>\n</DIFF>\n", "the <DIFF> in line 1 has no SEARCH/REPLACE block"),
    "CODE open": ("<CODE>\n```python\nx = 1\n", "the <CODE> that begins in line 1 is cut off in line 3"),
    "CODE fence open": ("<CODE>\n```python\nx\n</CODE>", "fence that begins in line 2 is cut off in line 4"),
    "CODE empty": ("<CODE>\n\n</CODE>", "the <CODE> in line 1 is empty"),
    "CODE twice": ("<CODE>\nx\n</CODE>\n<CODE>\nx\n</CODE>\n", "2 <CODE> elements"),
    "fence open": ("See:\n```python\nx = 1\n", "the fence that begins in line 2 is cut off in line 3"),
    "fences": ("See:\n```python\nx\n```\n```python\ny\n```\n", "2 fenced programs"),
    "both": (f"{BLOCK}<CODE>\nx = 1\n</CODE>\n", "both SEARCH/REPLACE blocks and a <CODE>"),
    "no divider": ("<<<<<<< SEARCH\nx\n>>>>>>> REPLACE\n", "without a '======='"),
    "two dividers": ("<<<<<<< SEARCH\nx\n=======\ny\n=======\n>>>>>>> REPLACE\n", "second '=======' in line 5"),
    "no beginning": ("x\n=======\ny\n>>>>>>> REPLACE\n", "line 4 ends a block that has no beginning"),
    "prose": ("I am sorry, I cannot do that.\n", "no SEARCH/REPLACE block, no <CODE> and no Python program"),
    "broken Python": ("def f(:\n    pass\n", "no Python program: line 1"),
    "empty": ("", "it has no statement"),
    "a comment": ("# nothing\n", "it has no statement"),
    "a zero": ("x = 1\0\n", "no Python program"),
}


@pytest.mark.parametrize(("text", "says"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_documents_are_rejected_in_one_sentence(text, says):
    with pytest.raises(EplbError) as raised:
        parse_document(text)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)
    lenient = parse_document(text, strict=False)
    assert lenient.fault == str(raised.value)
    assert (lenient.edits, lenient.program) == ((), None)


def test_no_beginning_of_a_document_is_applied_in_part():
    """However much of a document with one <DIFF> arrives, it is the whole or it is rejected."""
    text = f"<NAME>\nn\n</NAME>\n<DIFF>\n{BLOCK}{SECOND}</DIFF>"
    for length in range(len(text)):
        with pytest.raises(EplbError):
            parse_document(text[:length])
    assert len(parse_document(text).edits) == 2


def test_a_file_that_names_no_candidate_gives_its_own_name(tmp_path):
    path = tmp_path / "my_idea.txt"
    path.write_bytes(BLOCK.encode())
    assert read_document(path).name == "my_idea"


def test_a_file_that_is_not_utf_8_is_rejected(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"<NAME>\n\xe9\n</NAME>\n" + BLOCK.encode())
    with pytest.raises(EplbError, match="is not UTF-8 text: byte 0xe9 in line 2"):
        read_document(path)


def test_a_missing_file_and_a_folder_are_rejected(tmp_path):
    with pytest.raises(EplbError, match="there is no such file"):
        read_document(tmp_path / "none.txt")
    with pytest.raises(EplbError, match="it is a folder, not a regular file"):
        read_document(tmp_path)
