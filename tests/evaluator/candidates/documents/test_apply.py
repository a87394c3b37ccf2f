"""A document under one semantics, and beside it what the others would have given."""

from __future__ import annotations

import pytest

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.apply import (
    apply_document,
    compare_matchings,
    other_interpretations,
    summarise_matchings,
)
from evaluator.candidates.documents.document import parse_document
from evaluator.candidates.documents.matching import MATCHINGS
from evaluator.candidates.documents.mojibake import damage

PARENT = "# EVOLVE-BLOCK-START\nif a:\n    x = 1\nx = 1\n# EVOLVE-BLOCK-END\n"
DOCUMENT = "<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n"


def test_the_default_is_exact_line():
    document = parse_document(DOCUMENT)
    assert apply_document(document, PARENT) == apply_document(document, PARENT, "exact-line")
    assert next(iter(MATCHINGS)) == "exact-line"


def test_an_unknown_matching_is_named_with_its_neighbour():
    with pytest.raises(EplbError, match="did you mean 'shinka'"):
        apply_document(parse_document(DOCUMENT), PARENT, "shinke")
    with pytest.raises(EplbError, match="did you mean 'shinka'"):
        other_interpretations(parse_document(DOCUMENT), PARENT, "shinke")


def test_all_semantics_are_compared():
    outcomes = compare_matchings(parse_document(DOCUMENT), PARENT)
    assert list(outcomes) == list(MATCHINGS)
    assert outcomes["shinka"].program != outcomes["exact-line"].program
    assert outcomes["shinka"].reason is None
    rejected = compare_matchings(parse_document(DOCUMENT), "y = 1\n")["codeevolve"]
    assert (rejected.program, rejected.reason) == (None, "the parent has no EVOLVE-BLOCK")


def test_the_summary_has_a_sentence_for_each_of_the_others():
    summary = summarise_matchings(parse_document(DOCUMENT), PARENT)
    assert list(summary) == ["openevolve", "shinka", "skydiscover", "codeevolve"]
    assert summary["openevolve"] == "the same program"
    assert summary["shinka"].startswith("another program: block 1 is ambiguous")


def test_the_report_is_of_differences_only():
    others = other_interpretations(parse_document(DOCUMENT), PARENT)
    assert [sentence.split(":")[0] for sentence in others] == ["under shinka", "under codeevolve"]


def test_white_space_at_line_ends_makes_no_other_program():
    document = parse_document(DOCUMENT.replace("x = 1", "if a:").replace("x = 2", "if b:"))
    assert summarise_matchings(document, PARENT)["shinka"] == "the same program but for white space at line ends"
    assert other_interpretations(document, PARENT) == ()


def test_rejections_are_told_apart():
    """What all reject is no news; what only others take, or only others reject, is."""
    document = parse_document(DOCUMENT.replace("x = 1", "gone"))
    assert set(summarise_matchings(document, PARENT).values()) >= {"rejects it, too: block 1 is not in the parent"}
    assert other_interpretations(document, PARENT) == ()
    cut = parse_document(f"{DOCUMENT}<<<<<<< SEARCH\n", strict=False)
    assert other_interpretations(cut, PARENT)[0].startswith("under shinka: another program")


def test_a_repair_is_taken_back_where_the_parent_is_damaged_too():
    """A document read without its parent is read again when the parent spells the characters as it does."""
    bad = damage("é")
    document = parse_document(f"<<<<<<< SEARCH\nx = '{bad}'\n=======\nx = '{bad}!'\n>>>>>>> REPLACE\n")
    assert document.edits[0].search == "x = 'é'\n"
    applied = apply_document(document, f"x = '{bad}'\n")
    assert applied.program == f"x = '{bad}!'\n"
    assert "no characters were repaired" in applied.notes[-1]
    assert apply_document(document, "x = 'é'\n").program == "x = 'é!'\n"


@pytest.mark.parametrize("text", ["\n", "<<<<<<< SEARCH\n", "=======\n", "<NAME>", "```python "])
@pytest.mark.parametrize("head", ["<<<<<<< SEARCH\nx = 1\n=======", "</NAME>", ""])
def test_no_document_keeps_a_semantics_busy(head, text):
    """The frameworks' own patterns take minutes or hours on these; here each is over before one would notice."""
    document = parse_document(head + text * 10_000, strict=False)
    assert all(
        outcome.program is None or outcome.reason is None for outcome in compare_matchings(document, PARENT).values()
    )


def test_a_document_beyond_all_measure_is_not_read():
    with pytest.raises(EplbError, match="more than 400000 are not read"):
        parse_document("x" * 400_001)
