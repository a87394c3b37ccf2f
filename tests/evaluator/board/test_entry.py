"""An entry is a program or a variant with a card, and it is said what one lacks, all at once."""

from __future__ import annotations

import os

import pytest

from eplb_variants import EplbError, load_variant, variant_names
from evaluator.board.entry import CLAIMED, Claim, lacks_of, read_entries, read_entry
from evaluator.board.shipped import RULES, shipped_entries
from evaluator.candidates.program import example_program
from evaluator.cli.main import main
from evaluator.sweep.variant_file import text_of

CARD = "name: mine\nauthors: [somebody]\nlicence: MIT\n"
VARIANT = text_of("mine", load_variant("deepseek").config, "a variant")


@pytest.fixture
def entry(tmp_path):
    """Return a function that makes the folder of an entry of files and their texts."""

    def make(**files):
        for name, text in files.items():
            (tmp_path / name.replace("_", ".")).write_text(text)
        return tmp_path

    return make


def test_a_program_with_its_card_is_read(entry):
    claims = (
        "claims:\n  - {column: next, at_least: 0.5, at_most: 1}\nsource: https://example.org/x\nengine: openevolve\n"
    )
    found = read_entry(entry(card_yaml=CARD + claims, program_py=example_program().source))
    assert (found.kind, found.program, found.variant) == ("program", example_program().source, None)
    assert found.card.claims == (Claim("next", "at_least", 0.5), Claim("next", "at_most", 1.0))
    assert (found.card.authors, found.card.source, found.card.engine) == (
        ("somebody",),
        "https://example.org/x",
        "openevolve",
    )
    assert str(found.card.claims[0]) == "next at least 0.5"
    assert [claim.holds(0.7) for claim in found.card.claims] == [True, True]
    assert [claim.holds(1.1) for claim in found.card.claims] == [True, False]


def test_a_variant_is_an_entry_too(entry):
    assert read_entry(entry(card_yaml=CARD, variant_yaml=VARIANT)).kind == "variant"


@pytest.mark.parametrize(
    ("card", "lack"),
    [
        ("", "it is no mapping"),
        ("{", "it is not YAML"),
        ("[" * 5000, "it is too long"),
        ("name: x\n", "it has no authors"),
        (CARD + "colour: red\n", "there is no key 'colour'"),
        (CARD + "summary: [1]\n", "summary must be a text"),
        (CARD + f"summary: {'x' * 401}\n", "summary must be a text of 400"),
        (CARD.replace("mine", "'<script>'"), "the name must be"),
        (CARD.replace("mine", "x" * 41), "the name must be"),
        (CARD.replace("[somebody]", "somebody"), "authors must be a list"),
        (CARD + "source: 'javascript:alert(1)'\n", "the source must be an address"),
        (CARD + "claims: 3\n", "claims must be a list"),
        (CARD + "claims: [{column: beauty, at_least: 1}]\n", "a claim must have a column, one of next, own"),
        (CARD + "claims: [{column: next}]\n", "the claim on next must have at_least or at_most"),
        (CARD + "claims: [{column: next, at_least: .inf}]\n", "the claim on next must have"),
        (CARD + "claims: [{column: next, at_least: true}]\n", "the claim on next must have"),
    ],
)
def test_what_a_card_lacks_is_said(entry, card, lack):
    folder = entry(card_yaml=card, program_py=example_program().source)
    assert lack in "; ".join(lacks_of(folder))
    with pytest.raises(EplbError, match="cannot be used"):
        read_entry(folder)


@pytest.mark.parametrize(
    ("files", "lack"),
    [
        ({}, "it must have one of program.py and variant.yaml"),
        ({"program_py": "x = 1", "variant_yaml": VARIANT}, "it must have one of"),
        ({"program_py": "def ("}, "program.py: it is no Python program"),
        ({"variant_yaml": "name: x"}, "variant.yaml: it has no list of defaults"),
        ({"variant_yaml": VARIANT + "threads: ${oc.env:HOME}\n"}, "threads must be a finite number"),
        ({"program_py": "x = 1", "weights_bin": "1"}, "weights.bin is neither a card nor an entry"),
    ],
)
def test_what_an_entry_lacks_is_said(entry, files, lack):
    assert lack in "; ".join(lacks_of(entry(card_yaml=CARD, **files)))


BOMB = "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 12))


@pytest.mark.parametrize(
    ("more", "lack"),
    [
        (BOMB, "anchors"),
        ("claims: [{column: [own], at_least: 1}]\n", "a claim must have a column"),
        ("claims: [{column: {a: b}, at_least: 1}]\n", "a claim must have a column"),
        (f"? 0x{'f' * 6000}\n: 1\n", "a key that is no text"),
        (f"summary: 0x{'f' * 6000}\n", "a number of more than 18 digits"),
        ('summary: "\\uDC80"\n', "a text that is not UTF-8"),
        ("summary: 2026-01-01\n", "it has a date"),
    ],
)
def test_a_card_of_a_stranger_is_read_in_bounded_time_or_said_to_lack_something(entry, more, lack):
    assert any(lack in said for said in lacks_of(entry(card_yaml=CARD + more, program_py="x = 1\n")))


def test_a_variant_with_a_number_that_nobody_can_write_down_is_refused(entry):
    wild = f"{VARIANT}\ngpu_packer:\n  refine_steps: 0x{'f' * 6000}\n"
    assert any("18 digits" in said for said in lacks_of(entry(card_yaml=CARD, variant_yaml=wild)))


def test_what_one_entry_lacks_or_calls_itself_is_no_affair_of_the_others(tmp_path, capsys):
    def folder(name, card):
        made = tmp_path / name
        made.mkdir()
        (made / "card.yaml").write_text(card)
        (made / "variant.yaml").write_text(VARIANT)
        return str(made)

    folders = [folder("a", CARD), folder("b", CARD.replace("mine", "MINE")), folder("c", "name: x\n")]
    folders += [folder("d", CARD.replace("mine", "deepseek")), folder("e", CARD.replace("mine", "yours"))]
    entries, left_out = read_entries(folders, ["deepseek"])
    assert [entry.card.name for entry in entries] == ["mine", "yours"]
    assert list(left_out) == folders[1:4]
    assert "another is called 'MINE' already" in left_out[folders[1]]
    assert main(["board", "build", folders[2], "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "left out: the entry" in said
    assert "no entry can be used" in said


def test_a_link_that_leads_out_is_not_followed(entry, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret"
    secret.write_text(CARD)
    folder = entry(program_py="x = 1")
    (folder / "card.yaml").symlink_to(secret)
    assert lacks_of(folder) == ["card.yaml: it is a link that leads out of the folder"]


def test_a_pipe_is_not_waited_for(entry):
    folder = entry(program_py="x = 1")
    os.mkfifo(folder / "card.yaml")
    assert lacks_of(folder) == ["card.yaml: it is a pipe, not a regular file"]


def test_check_says_it_for_each_and_exits_with_1_where_something_lacks(entry, capsys, tmp_path):
    folder = entry(card_yaml=CARD, program_py=example_program().source)
    assert main(["board", "check", str(folder)]) == 0
    assert "lacks nothing" in capsys.readouterr().out
    assert main(["board", "check", str(folder), str(tmp_path / "none")]) == 1
    assert "there is no such folder" in capsys.readouterr().out
    assert main(["board", "check"]) == 2


def test_every_shipped_variant_is_an_entry_with_a_summary_and_every_rule_is_of_one():
    entries = shipped_entries()
    assert {entry.shipped for entry in entries} <= set(variant_names())
    assert {"deepseek", "lab_still", "lplb"} <= {entry.shipped for entry in entries}
    assert all(entry.card.summary for entry in entries)
    assert set(RULES) <= set(variant_names())
    assert set(CLAIMED) >= {"next", "time", "moved"}
