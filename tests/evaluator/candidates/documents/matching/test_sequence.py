"""Blocks are found as a pattern with lazy gaps finds them, which is what the frameworks search with."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from evaluator.candidates.documents.matching import sequence, shinka_blocks

TOKENS = ["<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE", "\n", "\n", "\n\n", "  ", "a", "<", "=", ">>>>>>>\nREPLACE"]
TEXT = st.lists(st.sampled_from(TOKENS), max_size=25).map("".join)


@settings(max_examples=500)
@given(TEXT)
def test_a_sequence_is_what_lazy_gaps_match(text):
    opening, divider, closing = "<<<<<<< SEARCH\n", "=======\n", ">>>>>>> REPLACE"
    found = sequence.blocks(text, *map(re.compile, (opening, divider, closing)))
    pattern = re.compile(f"{opening}(.*?){divider}(.*?){closing}", re.DOTALL)
    assert list(found) == [(m[1], m[2], m.start(), m.end()) for m in pattern.finditer(text)]


@settings(max_examples=1000)
@given(TEXT)
@example("<<<<<<< SEARCH<<<<<<< SEARCH\n\n=======\n\n>>>>>>> REPLACE")
def test_shinkas_blocks_are_what_lazy_gaps_between_line_breaks_match(text):
    """White space is taken ahead of a gap as far as it goes, and given back only where nothing else matches."""
    text = "\n".join(line.rstrip() for line in text.splitlines())
    pattern = re.compile(r"<{7}\s*SEARCH\s*\n(?P<a>.*?)\n\s*={7}\s*\n(?P<b>.*?)\n\s*>{7}\s*REPLACE\s*", re.DOTALL)
    assert list(shinka_blocks.blocks(text)) == [(m["a"], m["b"]) for m in pattern.finditer(text)]
