"""Text as it stands in files: nothing is translated, and lines are those of Python's parser."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eplb_variants import EplbError
from evaluator.candidates.documents.text import decode, dominant_end, line_of, listed, read_text, split_lines


def test_a_file_keeps_its_line_ends(tmp_path):
    (tmp_path / "a").write_bytes("é\r\nb\n".encode())
    assert read_text(tmp_path / "a") == "é\r\nb\n"


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path):
    with pytest.raises(EplbError, match="there is no such file"):
        read_text(tmp_path / "none")
    with pytest.raises(EplbError, match="it is a folder, not a regular file"):
        read_text(tmp_path)
    with pytest.raises(EplbError, match="'x' is not UTF-8 text: byte 0xff in line 2"):
        decode(b"a\n\xff", "'x'")


@given(st.text(st.sampled_from("ab\r\n\x0c\u2028")))
def test_lines_together_are_the_text(text):
    lines = split_lines(text)
    assert "".join(lines) == text
    assert all(line.endswith("\n") for line in lines[:-1])
    assert len(lines) == text.count("\n") + (not text.endswith("\n") and text != "")


def test_the_end_that_most_lines_have():
    assert dominant_end("a\r\nb\r\nc\n") == "\r\n"
    assert dominant_end("a\r\nb\n") == dominant_end("") == "\n"
    assert line_of("a\nb", 2) == 2


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([42], "42"),
        ([42, 130], "42 and 130"),
        ([1, 2, 3], "1, 2 and 3"),
        (list(range(1, 12)), "1, 2, 3, 4, 5, 6, 7 and 4 more"),
    ],
)
def test_line_numbers_in_words(numbers, words):
    assert listed(numbers) == words
