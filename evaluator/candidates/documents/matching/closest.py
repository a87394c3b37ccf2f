"""Where a SEARCH that does not match was probably meant to: the closest lines, and how they differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from difflib import get_close_matches, unified_diff
from typing import NamedTuple

SHIFT = 3
"""Lines that may have been left out or added in a SEARCH before the rest of it counts as elsewhere."""
CUTOFF = 0.6
"""Similarity of two lines below which they have nothing to do with each other; difflib's own choice."""
MOST_VOTES = 100_000
"""Places of lines that vote; the most frequent lines, which say least, have no vote where there are more."""
MOST_LIKENESS = 2_000_000
"""Pairs of characters that are compared to find one line that is alike; difflib's time grows with them."""
MOST_DIFF = 200
"""Lines of a SEARCH, and of what is closest, that are shown as a diff; difflib takes time with the cube of them."""


class Closest(NamedTuple):
    """A sentence about the closest lines, and their line diff with the SEARCH."""

    sentence: str
    diff: str


def closest_region(wanted: list[str], lines: list[str]) -> Closest | None:
    """Return the closest lines and their difference to those wanted; None where none was found that is alike.

    Lines that are equal but for white space vote for the offset at which they would match, rare lines with more weight;
    of equal votes the first place wins. Where no line is equal, the one most like the first line wanted is taken.

    Args:
        wanted: the lines of the SEARCH, without their ends
        lines: the lines of the text, without their ends
    """
    span = _by_votes(wanted, lines) or _by_likeness(wanted, lines)
    if span is None:
        return None
    first, end = span
    region = lines[first:end]
    short = max(len(wanted), len(region)) <= MOST_DIFF
    diff = unified_diff(wanted, region, "SEARCH", f"lines {first + 1} to {end}", lineterm="", n=2) if short else ()
    same_text = [line.strip() for line in wanted] == [line.strip() for line in region]
    how = "differ in white space only" if same_text else "differ"
    return Closest(f"the closest lines, {first + 1} to {end}, {how}", "\n".join(diff))


def _by_votes(wanted: list[str], lines: list[str]) -> tuple[int, int] | None:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        if line.strip():
            places[line.strip()].append(number)
    voters = _voters(wanted, places)
    votes: defaultdict[int, float] = defaultdict(float)
    for position, found in voters:
        for number in found:
            votes[number - position] += 1 / len(found)
    if not votes:
        return None
    offset = min(votes, key=lambda candidate: (-votes[candidate], candidate))
    near = [number for position, found in voters for number in found if abs(number - position - offset) <= SHIFT]
    return max(0, min(offset, *near)), min(len(lines), max(offset + len(wanted), *(number + 1 for number in near)))


def _voters(wanted: list[str], places: Mapping[str, list[int]]) -> list[tuple[int, list[int]]]:
    """Return the positions of wanted lines with the places at which the text has them; not those with the most."""
    found = [(position, places[line.strip()]) for position, line in enumerate(wanted) if line.strip() in places]
    total = 0
    for number in sorted(len(numbers) for _, numbers in found):
        total += number
        if total > MOST_VOTES:
            return [(position, numbers) for position, numbers in found if len(numbers) < number]
    return found


def _by_likeness(wanted: list[str], lines: list[str]) -> tuple[int, int] | None:
    position = next(number for number, line in enumerate(wanted) if line.strip())
    word = wanted[position].strip()
    stripped = [line.strip() for line in lines]
    # others are too long or too short to be alike
    likely = [line for line in stripped if 2 * min(len(line), len(word)) >= CUTOFF * (len(line) + len(word))]
    if len(word) * sum(map(len, likely)) > MOST_LIKENESS:
        return None
    close = get_close_matches(word, likely, n=1, cutoff=CUTOFF)
    if not close:
        return None
    first = max(0, stripped.index(close[0]) - position)
    return first, min(len(lines), first + len(wanted))
