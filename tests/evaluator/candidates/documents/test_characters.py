"""What a reader of a program does not see is refused, or named with its line."""

from __future__ import annotations

import pytest

from eplb_variants import EplbError
from evaluator.candidates.documents.apply import apply_document
from evaluator.candidates.documents.characters import notes_on_characters
from evaluator.candidates.documents.document import parse_document

PARENT = "x = 1\ny = 1\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# a\rimport os", "line 2 of the program has a carriage return alone"),
        ("s = '\x00'", "a null character"),
        ("s = '\x1b[31m'", r"U\+001B"),
        ("s = '\x7f'", r"U\+007F"),
        ("# \x85", r"U\+0085"),
        ("\x0b", r"U\+000B"),
        *((f"# {chr(code)}", rf"U\+{code:04X}") for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))),
        ("\u202e = 1", r"RIGHT-TO-LEFT OVERRIDE \(U\+202E\)"),
        ("\u3164 = 1", r"HANGUL FILLER \(U\+3164\)"),
    ],
)
def test_what_changes_a_program_without_being_seen_is_refused(text, says):
    with pytest.raises(EplbError, match=f"line 2 .*{says}" if not says.startswith("line") else says):
        notes_on_characters(f"x = 1\n{text}\n", PARENT)


@pytest.mark.parametrize(
    "character", [*"\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\u2028\u2029\u034f", "\U000e0041", "\U000e0101"]
)
def test_what_has_no_width_is_named_with_its_line(character):
    (note,) = notes_on_characters(f"x = 1\n# a{character}b{character}\n", PARENT)
    assert f"(U+{ord(character):04X}), which is not seen, in line 2" in note
    assert note.isprintable()


def test_an_honest_docstring_is_noted_and_not_refused():
    """The joiner of an emoji is one such character; letters, accents, emoji and a form feed are none."""
    (note,) = notes_on_characters('"""\U0001f469\u200d\U0001f52c"""\n', PARENT)
    assert note == "the program has ZERO WIDTH JOINER (U+200D), which is not seen, in line 1"
    assert notes_on_characters("# é 日本語 e\u0301 \u26a0\ufe0f \u3000 \xa0\n\x0c\tpass\n", PARENT) == ()


def test_many_are_few_notes():
    notes = notes_on_characters("".join(f"# {chr(0x2060 + i % 4)}{chr(0x200B + i % 5)}\n" for i in range(500)), "")
    assert len(notes) == 5
    assert notes[-1] == "the program has 5 further characters that are not seen"
    assert all(len(note) < 200 for note in notes)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_parents_own_lines_are_its_affair(end):
    odd = f"s = '\u202e\u200b'{end}# a\rb{end}"
    assert notes_on_characters(f"{odd}z = 2{end}", f"x = 1\n{odd}") == ()


def test_line_ends_of_two_letters_are_line_ends():
    assert notes_on_characters("x = 2\r\ny = 2\r\n", PARENT) == ()
    with pytest.raises(EplbError, match="line 2 of the program has a carriage return alone"):
        notes_on_characters("x = 2\r\ny = 2\r", PARENT)


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("# -*- coding: latin-1 -*-\nx = 'é'\n", 1),
        ("#!/usr/bin/python\n# vim: set fileencoding=utf-7 :\n", 2),
        ("\n# coding: rot13\n", 2),
        ("# coding: ascii\nx = 'é'\n", 1),
        ("# coding: no such thing\n", 1),
    ],
)
def test_another_encoding_than_utf8_is_refused(program, line):
    """``exec`` of a text ignores the comment; the same program run as a file is decoded by it."""
    with pytest.raises(EplbError, match=f"line {line} of the program declares an encoding other than UTF-8"):
        notes_on_characters(program, PARENT)


@pytest.mark.parametrize(
    "program",
    [
        "# -*- coding: utf-8 -*-\nx = 'é'\n",
        "# coding=UTF_8\n",
        "# coding: utf-8-unix\n",
        "# coding: us-ascii\nx = 1\n",
        "x = 1\n# coding: latin-1\n",
        "\n\n# coding: latin-1\n",
        "# the coding of experts\n",
    ],
)
def test_utf8_may_be_said_and_later_comments_say_nothing(program):
    assert notes_on_characters(program, PARENT) == ()


def test_a_parents_own_encoding_stays_and_none_is_brought_to_the_top():
    parent = "# coding: latin-1\nx = 1\n"
    assert notes_on_characters(f"{parent}y = 2\n", parent) == ()
    with pytest.raises(EplbError, match="line 1 of the program declares"):
        notes_on_characters("# coding: latin-1\n", "x = 1\ny = 2\n# coding: latin-1\n")


@pytest.mark.parametrize("selector", "\u180b\u180f\ufe00\ufe0f\U000e0100")
def test_a_name_that_looks_like_another_is_noted(selector):
    (note,) = notes_on_characters(f"def f{selector}(x):\n    return x\n", PARENT)
    assert "which is not seen, in line 1" in note


def test_applying_a_document_refuses_and_notes():
    def applied(line):
        text = f"<<<<<<< SEARCH\ny = 1\n=======\n{line}\n>>>>>>> REPLACE\n"
        return apply_document(parse_document(text), PARENT)

    assert "ZERO WIDTH SPACE (U+200B)" in applied("y = '\u200b'").notes[0]
    with pytest.raises(EplbError, match="RIGHT-TO-LEFT OVERRIDE"):
        applied("y = '\u202e'")
    outside = "<DESCRIPTION>\n\u202e\n</DESCRIPTION>\n<<<<<<< SEARCH\ny = 1\n=======\ny = 2\n>>>>>>> REPLACE\n"
    assert apply_document(parse_document(outside), PARENT).notes == ()
