"""Where a SEARCH that does not match was probably meant to: the closest lines, and how they differ."""

from __future__ import annotations

from collections import defaultdict
from difflib import get_close_matches, unified_diff
from typing import NamedTuple

SHIFT = 3
"""Lines that may have been left out or added in a SEARCH before the rest of it counts as elsewhere."""
CUTOFF = 0.6
"""Similarity of two lines below which they have nothing to do with each other; difflib's own choice."""


class Closest(NamedTuple):
    """A sentence about the closest lines, and their line diff with the SEARCH."""

    sentence: str
    diff: str


def closest_region(wanted: list[str], lines: list[str]) -> Closest | None:
    """Return the closest lines and their difference to those wanted; None where no line is alike.

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
    diff = unified_diff(wanted, region, "SEARCH", f"lines {first + 1} to {end}", lineterm="", n=2)
    same_text = [line.strip() for line in wanted] == [line.strip() for line in region]
    how = "differ in white space only" if same_text else "differ"
    return Closest(f"the closest lines, {first + 1} to {end}, {how}", "\n".join(diff))


def _by_votes(wanted: list[str], lines: list[str]) -> tuple[int, int] | None:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        if line.strip():
            places[line.strip()].append(number)
    votes: defaultdict[int, float] = defaultdict(float)
    for position, line in enumerate(wanted):
        for number in places.get(line.strip(), ()):
            votes[number - position] += 1 / len(places[line.strip()])
    if not votes:
        return None
    offset = min(votes, key=lambda candidate: (-votes[candidate], candidate))
    near = [
        number
        for position, line in enumerate(wanted)
        for number in places.get(line.strip(), ())
        if abs(number - position - offset) <= SHIFT
    ]
    return max(0, min(offset, *near)), min(len(lines), max(offset + len(wanted), *(number + 1 for number in near)))


def _by_likeness(wanted: list[str], lines: list[str]) -> tuple[int, int] | None:
    position = next(number for number, line in enumerate(wanted) if line.strip())
    stripped = [line.strip() for line in lines]
    close = get_close_matches(wanted[position].strip(), stripped, n=1, cutoff=CUTOFF)
    if not close:
        return None
    first = max(0, stripped.index(close[0]) - position)
    return first, min(len(lines), first + len(wanted))
