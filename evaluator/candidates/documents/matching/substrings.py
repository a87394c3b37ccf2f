"""What the semantics that match parts of lines have in common: saying where a match fell and how sure it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from evaluator.candidates.documents.matching.work import CHARACTERS, PER_PLACE, Work
from evaluator.candidates.documents.text import listed

MOST_PLACES = 100
"""Places of a text that are looked at for a note. There can be as many as there are characters."""

_TO_LINE_END = re.compile(r"[^\S\n]*+(?:\n|\Z)")


def places_of(needle: str, text: str) -> Iterator[int]:
    """Yield every position at which a text that is not empty stands, overlapping ones too."""
    position = text.find(needle)
    while position >= 0:
        yield position
        position = text.find(needle, position + 1)


def notes_on_match(block: int, needle: str, text: str, work: Work, first_line: int = 1) -> list[str]:
    """Return what should be known of taking the first match: that there are several, that it is no run of lines.

    Args:
        block: the number of the block, from 1
        needle: what was searched, not empty
        text: the text in which its first occurrence is replaced
        work: what this counts to
        first_line: the number that the text's first line has in the program

    Raises:
        EplbError: it takes too much work.
    """
    work.search(text)
    places = list(islice(places_of(needle, text), MOST_PLACES + 1))
    if not places:
        return []
    work.spend(len(places) * (PER_PLACE + len(needle) // CHARACTERS))
    more = len(places) > MOST_PLACES
    del places[MOST_PLACES:]
    numbers = _lines_of(places, text, first_line)
    notes = []
    if len(places) > 1:
        lines = listed(list(dict.fromkeys(numbers)))
        many = f"more than {MOST_PLACES}" if more else str(len(places))
        notes.append(f"block {block} is ambiguous: it matches in {many} places, lines {lines}; the first was taken")
    whole = [number for place, number in zip(places, numbers, strict=True) if _is_run_of_lines(place, needle, text)]
    if not whole:
        return notes
    if not _is_run_of_lines(places[0], needle, text):
        notes.append(f"block {block} landed within line {numbers[0]}, although line {whole[0]} has it as whole lines")
    return notes


def _lines_of(places: list[int], text: str, first: int) -> list[int]:
    """Return the numbers of the lines of ascending places; ``first`` is that of the text's first line."""
    numbers, done = [], 0
    for place in places:
        first += text.count("\n", done, place)
        done = place
        numbers.append(first)
    return numbers


def _is_run_of_lines(place: int, needle: str, text: str) -> bool:
    """Whether a match is all that its lines hold, but for the white space around it that a framework may strip."""
    starts_line = place == 0 or text[place - 1] == "\n"
    return starts_line and _TO_LINE_END.match(text, place + len(needle)) is not None
