"""Markers are found as the framework's own patterns find them, which take time with the square of white space."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.candidates.documents.matching.shinka_markers import (
    END,
    START,
    is_mutable,
    markers,
    mutable_spans,
    without_marker_lines,
)

PIECES = ("EVOLVE-BLOCK-START", "EVOLVE-BLOCK-END", "#", "//", "/", "!", "<!--", "-->", "(*", "*)", "*")
TEXT = st.lists(st.sampled_from([*PIECES, *PIECES[:2], " ", " ", "\t", "\n", "\n", "x", "\u3000"]), max_size=14).map(
    "".join
)
SPAN = r"(?:#|//|!|<!--|\(\*)?[^\S\r\n]*{}[^\S\r\n]*(?:-->|\*\))?"
LINES = [
    re.compile(rf"^\s*{opening}{word}{closing}\s*$", re.MULTILINE)
    for word in (START, END)
    for opening, closing in (
        (r"#\s*", ""),
        (r"//\s*", ""),
        (r"!\s*", ""),
        (r"<!--\s*", r"\s*-->"),
        (r"\(\*\s*", r"\s*\*\)"),
        ("", ""),
    )
]


@pytest.mark.parametrize("word", [START, END])
@given(text=TEXT)
def test_a_marker_is_what_the_pattern_finds(word, text):
    expected = [match.span() for match in re.finditer(SPAN.format(word), text)]
    assert [tuple(marker) for marker in markers(text, word)] == expected


@given(text=TEXT)
def test_marker_lines_are_what_the_patterns_take_out(text):
    expected = text
    for pattern in LINES:
        expected = pattern.sub("", expected)
    assert without_marker_lines(text) == expected


def test_spans_lie_between_markers_and_may_nest():
    text = f"a {START} b {START} c {END} d {END} e {END}"
    spans = mutable_spans(text)
    assert [text[slice(*span)] for span in spans] == ["c", f"b {START} c {END} d"]
    assert is_mutable((text.index("d"), text.index("d") + 1), spans)
    assert not is_mutable((0, 1), spans)
