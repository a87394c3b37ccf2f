"""A wrong decoding is undone where that is certain, and left alone where it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.candidates.documents.mojibake import damage, repair


@pytest.mark.parametrize("text", ["→", "é and ≤", "“quoted”", "日本", "🙂 ok", "Á Ï Ð"])
def test_what_was_damaged_comes_back(text):
    """Among them are bytes that cp1252 does not define (0x81, 0x8f, 0x90, 0x9d)."""
    repaired = repair(f"a {damage(text)} b")
    assert repaired.text == f"a {text} b"
    assert "cp1252" in repaired.note


def test_the_note_shows_what_was_read_as_what():
    assert repair("x \u00e2\u2020\u2019 y").note.endswith("'\u00e2\u2020\u2019' is '→'")


def test_the_note_stays_short():
    assert repair(" ".join(damage(c) for c in "áéíóú")).note.endswith("and 2 more")


@pytest.mark.parametrize("text", ["plain", "é", "→ as it should be", "日本語", ""])
def test_sound_text_is_left_alone(text):
    assert repair(text) == (text, None)


def test_all_or_nothing():
    """One sound character beyond ASCII says that the text as a whole was decoded well."""
    text = f"{damage('→')} and é"
    assert repair(text) == (text, None)


def test_what_the_parent_spells_the_same_way_is_left_alone():
    text = f"label = '{damage('→')}'"
    assert repair(text, parent=f"# {damage('→')}\n") == (text, None)
    assert repair(text, parent="# →\n").text == "label = '→'"


@given(st.text())
def test_damage_is_undone_exactly(text):
    """Any text with something beyond ASCII survives damage and repair; the repair damaged again is its input."""
    damaged = damage(text)
    repaired = repair(damaged)
    assert repaired.text == text
    assert (repaired.note is None) == text.isascii()


@given(st.text())
def test_a_repair_is_always_the_inverse_of_damage(text):
    repaired = repair(text)
    if repaired.note is None:
        assert repaired.text == text
    else:
        assert damage(repaired.text) == text
