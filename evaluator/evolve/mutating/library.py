"""The library: documents with SEARCH/REPLACE blocks in which some numbers are left open.

``{any}`` in a SEARCH stands for whatever is there in a line; ``{x}`` in a REPLACE for one of the values that the first
line names. What comes of one is a document as a model would write it, for the program that it was made for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np

from evaluator.candidates.documents.grammar import scan
from evaluator.candidates.program import example_candidates

ANY, VALUE = "{any}", "{x}"
_VALUES = re.compile(r"# values: x = (.*)\n")
EXAMPLES = ("two_moves", "diverse_packing")
"""Candidates of the examples that are in the library too: the two ideas of a published one."""


@dataclass(frozen=True)
class Mutation:
    """A document with open places.

    Attributes:
        name: of its file.
        text: of it, as it is written.
        values: for ``{x}``; none where there is no such place.
    """

    name: str
    text: str
    values: tuple[str, ...] = ()

    def document_for(self, program: str, draw: np.random.Generator) -> str | None:
        """Return a document for a program; None where a SEARCH is not in it."""
        text = self.text.replace(VALUE, str(draw.choice(self.values))) if self.values else self.text
        for edit in scan(text).edits:
            if ANY in edit.search:
                found = re.search(_pattern(edit.search), program, re.MULTILINE)
                if found is None:
                    return None
                text = text.replace(edit.search, found.group(), 1)
            elif edit.search not in program:
                return None
        return text


def library() -> Sequence[Mutation]:
    """Return the mutations that ship, in the order of their names."""
    folder = resources.files("evaluator.evolve.mutating").joinpath("mutations")
    files = [(path.name.removesuffix(".txt"), path.read_text(encoding="utf-8")) for path in folder.iterdir()]
    files += [(path.stem, path.read_text(encoding="utf-8")) for path in example_candidates() if path.stem in EXAMPLES]
    return [_mutation(name, text) for name, text in sorted(files)]


def _mutation(name: str, text: str) -> Mutation:
    values = _VALUES.match(text)
    if values is None:
        return Mutation(name, text)
    return Mutation(name, text[values.end() :], tuple(value.strip() for value in values[1].split(",")))


def _pattern(search: str) -> str:
    """Return a pattern of whole lines for a SEARCH in which some of a line is open."""
    return "^" + ".+?".join(map(re.escape, search.rstrip("\n").split(ANY))) + "$\n"
