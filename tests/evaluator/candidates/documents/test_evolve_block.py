"""Which lines of a program may be changed."""

from __future__ import annotations

import pytest

from eplb_variants import EplbError
from evaluator.candidates.documents.evolve_block import is_marker, regions

START, END = "# EVOLVE-BLOCK-START", "    #EVOLVE-BLOCK-END of it"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([], None),
        (["x = 1"], None),
        (["a", START, "b", "c", END, "d"], [(2, 4)]),
        ([START, END], [(1, 1)]),
        ([START, "a", END, START, "b", END], [(1, 2), (4, 5)]),
    ],
)
def test_what_lies_between_markers_may_be_changed(lines, found):
    assert regions(lines) == found


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([START, START], "line 2 has EVOLVE-BLOCK-START"),
        ([END], "line 1 has EVOLVE-BLOCK-END"),
        (["a", START], "begins in line 2 has no end"),
    ],
)
def test_markers_that_do_not_pair_are_told_with_their_line(lines, says):
    with pytest.raises(EplbError, match=f"of the parent.*{says}"):
        regions(lines, "the parent")


def test_a_marker_is_a_comment_line_of_its_own():
    assert is_marker(START)
    assert is_marker(END)
    assert not is_marker("x = 1  # EVOLVE-BLOCK-START")
    assert not is_marker("# EVOLVE-BLOCK-STARTED")
