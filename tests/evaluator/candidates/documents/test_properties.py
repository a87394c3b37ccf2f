"""Applying what was rendered gives the intended program, and nothing outside a match is touched."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.document import parse_document
from evaluator.candidates.documents.matching import MATCHINGS
from evaluator.candidates.documents.matching.exact_line import apply
from evaluator.candidates.documents.mojibake import repair

MARKS = ("<<<<<<<", "=======", ">>>>>>>", "</DIFF>", "EVOLVE-BLOCK")
LINE = st.text(st.sampled_from("abxy01 \t()=:'#é→日\u00e2\u2020\u2019\x0c\u2028"), max_size=12).filter(
    lambda line: not any(mark in line for mark in MARKS)
)
LINES = st.lists(LINE, max_size=12)
END = st.sampled_from(["\n", "\r\n"])


def rendered(search, replace, end):
    body = ["<<<<<<< SEARCH", *search, "=======", *replace, ">>>>>>> REPLACE"]
    return end.join(["<NAME>", "n", "</NAME>", "<DIFF>", *body, "</DIFF>"])


@given(
    before=LINES,
    search=st.lists(LINE, min_size=1, max_size=6),
    replace=LINES,
    after=LINES,
    ends=st.tuples(END, END),
    data=st.data(),
)
def test_applying_a_rendered_edit_gives_the_intended_program(before, search, replace, after, ends, data):
    """Over programs with either line end, tabs, non-ASCII, form feeds, and with or without a final newline."""
    assume(any(line.strip() for line in search))
    lines = [*before, *search, *after]
    places = [i for i in range(len(lines)) if lines[i : i + len(search)] == search]
    assume(places == [len(before)])
    ours, theirs = ends
    final = data.draw(st.sampled_from(["", ours])) if lines[-1] else ours
    parent = ours.join(lines) + final
    text = rendered(search, replace, theirs)
    assume(repair(text, parent).note is None)

    program = apply(parse_document(text, parent), parent).program

    head = "".join(line + ours for line in before)
    tail = "".join(line + ours for line in after)
    new = "".join(line + ours for line in replace)
    if final == "":
        tail, new = (tail.removesuffix(ours), new) if after else (tail, new.removesuffix(ours))
    assert program == head + new + tail


@given(parent=st.text(st.sampled_from("ab \t\r\n\x0cé"), max_size=40), data=st.data())
def test_text_outside_the_match_is_never_touched(parent, data):
    """Whatever the bytes of the parent, mixed line ends too: what is ahead of the match and behind it stays."""
    lines = parent.split("\n")
    first = data.draw(st.integers(0, len(lines) - 1))
    last = data.draw(st.integers(first + 1, len(lines)))
    search = [line.removesuffix("\r") if i < len(lines) - 1 else line for i, line in enumerate(lines)][first:last]
    text = rendered(search, ["NEW"], "\n")
    try:
        program = apply(parse_document(text), parent).program
    except EplbError:
        return
    before = "".join(line + "\n" for line in lines[:first])
    after = "".join("\n" + line for line in lines[last:])
    assert program.startswith(before)
    assert program.endswith(after)
    assert program[len(before) : len(program) - len(after)].rstrip("\r\n") == "NEW"


@given(edits=st.lists(st.tuples(st.integers(0, 9), LINES), min_size=1, max_size=4, unique_by=lambda edit: edit[0]))
def test_several_edits_each_change_their_own_line(edits):
    """Each edit replaces a line of its own; the program has each replacement where its line was."""
    names = [f"line_{number} = {number}" for number in range(10)]
    text = "".join(rendered([names[number]], replace, "\n") + "\n" for number, replace in edits)
    assume(repair(text).note is None)
    chosen = dict(edits)
    want = [new for number, name in enumerate(names) for new in chosen.get(number, [name])]
    parent = "".join(f"{name}\n" for name in names)
    assume(not any(name in new for new in chosen.values() for name in names))
    assert apply(parse_document(text), parent).program == "".join(f"{line}\n" for line in want)


@pytest.mark.parametrize("matching", MATCHINGS)
@given(
    text=st.lists(
        st.one_of(
            LINE,
            st.sampled_from(
                [
                    "<<<<<<< SEARCH",
                    "=======",
                    ">>>>>>> REPLACE",
                    "<DIFF>",
                    "</DIFF>",
                    "<CODE>",
                    "</CODE>",
                    "```python",
                    "```",
                    "# EVOLVE-BLOCK-START",
                    "# EVOLVE-BLOCK-END",
                ]
            ),
        ),
        max_size=15,
    ),
    parent=LINES,
    end=END,
)
def test_no_document_makes_a_semantics_fail_otherwise_than_with_a_sentence(matching, text, parent, end):
    program = end.join(["# EVOLVE-BLOCK-START", *parent, "# EVOLVE-BLOCK-END"])
    document = parse_document(end.join(text), program, strict=False)
    try:
        said = MATCHINGS[matching](document, program).program
    except EplbError as error:
        said = str(error).partition("\n")[0]
        assert said == str(error)  # noqa: PT017 - what is raised depends on the example
    assert isinstance(said, str)
