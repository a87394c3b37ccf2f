r"""Which blocks ShinkaEvolve sees: what its pattern finds, in time that grows with the text.

The pattern wants a line break and any white space on both sides of both gaps, takes as much white space as it can ahead
of a gap, and gives some back only where nothing matches otherwise. So a gap begins at its first line that is not blank,
and an empty one reaches on to the next marker of its kind, if there is one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

_OPENING = re.compile(r"<{7}\s*+SEARCH")
_DIVIDER = re.compile(r"={7}")
_CLOSING = re.compile(r">{7}\s*+REPLACE\s*+")


class _Marker(NamedTuple):
    """A marker with line breaks ahead of it: the first and the last of those, and where it ends."""

    first_break: int
    last_break: int
    end: int


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield SEARCH and REPLACE of each block; the text has no white space at its line ends."""
    dividers = [marker for marker in _markers(_DIVIDER, text) if _starts(text, marker.end)]
    closings = _markers(_CLOSING, text)
    position = 0
    while (opening := _OPENING.search(text, position)) is not None:
        starts = _starts(text, opening.end())
        if not starts:  # no line break behind it: it opens nothing
            position = opening.start() + 1
            continue
        found = _from(text, starts, dividers, closings)
        if found is None:
            return  # a later opening has no more to choose from than this one
        search, replace, position = found
        yield text[slice(*search)], text[slice(*replace)]


def _from(
    text: str, starts: list[int], dividers: list[_Marker], closings: list[_Marker]
) -> tuple[tuple[int, int], tuple[int, int], int] | None:
    tried: _Marker | None = None
    for start in starts:
        divider = _next(dividers, start)
        if divider is None or divider == tried:
            continue
        tried = divider
        second = _last_with_one_behind(_starts(text, divider.end), closings)
        if second is not None:
            closing = _next(closings, second)
            assert closing is not None
            search = (start, _break_from(text, divider, start))
            return search, (second, _break_from(text, closing, second)), closing.end
    return None


def _last_with_one_behind(starts: list[int], markers: list[_Marker]) -> int | None:
    """Return the first of descending places that has a marker behind it."""
    return next((start for start in starts if markers and start <= markers[-1].last_break), None)


def _markers(pattern: re.Pattern[str], text: str) -> list[_Marker]:
    found = []
    for match in pattern.finditer(text):
        blank = match.start()
        while blank > 0 and text[blank - 1].isspace():
            blank -= 1
        first, last = text.find("\n", blank, match.start()), text.rfind("\n", blank, match.start())
        if first >= 0:
            found.append(_Marker(first, last, match.end()))
    return found


def _starts(text: str, end: int) -> list[int]:
    """Return where a gap may begin behind a marker: after each line break of the white space there, the last first."""
    position = end
    starts = []
    while position < len(text) and text[position].isspace():
        position += 1
        if text[position - 1] == "\n":
            starts.append(position)
    return starts[::-1]


def _next(markers: list[_Marker], start: int) -> _Marker | None:
    index = bisect_left(markers, start, key=lambda marker: marker.last_break)
    return markers[index] if index < len(markers) else None


def _break_from(text: str, marker: _Marker, start: int) -> int:
    return text.find("\n", max(start, marker.first_break))
