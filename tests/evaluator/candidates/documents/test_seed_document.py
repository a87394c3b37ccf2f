"""A document with all the traps of the one that this project began with; and that one, where it is at hand."""

from __future__ import annotations

import pytest

from evaluator.candidates.documents.apply import apply_document, compare_matchings, other_interpretations
from evaluator.candidates.documents.document import read_document
from evaluator.candidates.documents.mojibake import damage

SEARCHES = ("    return slots, order\n", "    slots = spread(load)\n    shown = 1\n", "    moves = 1\n")
REPLACES = (
    "    return slots, order\n\n\ndef spread_evenly(load, labels):\n    slots = load\n    return slots\n",
    "    labels = sorted(load)\n    slots = spread_evenly(load, labels)\n",
    "    moves = 2\n",
)


def own_document():
    """Three DIFF elements, an arrow that was read as cp1252, and no newline at the end."""
    head = f"<NAME>\nspread_then_move\n</NAME>\n\n<DESCRIPTION>\nMove from hot {damage('→')} cold.\n</DESCRIPTION>\n\n"
    blocks = zip(SEARCHES, REPLACES, strict=True)
    diffs = [f"<DIFF>\n<<<<<<< SEARCH\n{s}=======\n{r}>>>>>>> REPLACE\n\n</DIFF>" for s, r in blocks]
    return head + "\n".join(diffs)


def parts_around(searches):
    """Return the pieces of a parent between which the SEARCH texts stand; the first also deeper, ahead of its place."""
    first = searches[0]
    return [
        f"import math\n\n# EVOLVE-BLOCK-START\ndef spread(load):\n    if load is None:\n    {first}    order = load\n",
        "\n\ndef place(load):\n",
        "    return load\n\n\ndef share(load):\n",
        "    return load\n# EVOLVE-BLOCK-END\n",
    ]


def joined(parts, between):
    return parts[0] + "".join(middle + part for middle, part in zip(between, parts[1:], strict=True))


def check(path):
    """The document is parsed and repaired, applied at whole lines, and shown to land elsewhere under shinka."""
    document = read_document(path)
    assert "→" in document.description
    assert damage("→") not in document.description
    assert ["cp1252" in note for note in document.notes] == [True]
    assert not document.raw.endswith("\n")
    assert len(document.edits) == 3

    searches = [edit.search for edit in document.edits]
    parts = parts_around(searches)
    parent = joined(parts, searches)
    assert parent.count(searches[0]) == 2
    whole = parent.splitlines(keepends=True).index(searches[0]) + 1

    applied = apply_document(document, parent)
    assert applied.program == joined(parts, [edit.replace for edit in document.edits])
    compile(applied.program, "program", "exec")

    outcomes = compare_matchings(document, parent)
    for matching in ("shinka", "codeevolve"):
        assert outcomes[matching].program != applied.program
        assert (
            outcomes[matching].notes[0].startswith(f"block 1 is ambiguous: it matches in 2 places, lines 6 and {whole}")
        )
    assert f"block 1 landed within line 6, although line {whole} has it as whole lines" in outcomes["shinka"].notes
    assert outcomes["openevolve"].program == outcomes["skydiscover"].program == applied.program
    others = other_interpretations(document, parent)
    assert [sentence.split(" program: ")[0] for sentence in others] == [
        "under shinka: another",
        "under codeevolve: another",
    ]
    return document


def test_a_document_with_the_same_traps(tmp_path):
    path = tmp_path / "idea.txt"
    path.write_bytes(own_document().encode())
    document = check(path)
    assert document.name == "spread_then_move"
    assert document.description == "Move from hot → cold."
    assert [edit.replace for edit in document.edits] == list(REPLACES)


@pytest.mark.extra
def test_the_document_itself(extra):
    path = extra("seed/diverse_gpu_packing_and_two_move_fixup.txt")
    assert check(path).name == path.stem
