"""Where ShinkaEvolve lets a program be changed: between EVOLVE-BLOCK markers, which may stand anywhere in a line.

Its patterns begin with white space, of which every place is a beginning. Here the words are found first, and then what
stands around them is looked at, so that time grows with the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

START, END = "EVOLVE-BLOCK-START", "EVOLVE-BLOCK-END"
_BEFORE = ("<!--", "//", "(*", "#", "!")
_AFTER = ("-->", "*)")
_BLANKS = "\t\x0b\x0c\x1c\x1d\x1e\x1f \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B)))
_BLANKS += "\u2028\u2029\u202f\u205f\u3000"
"""White space within a line, as patterns see it."""
_ON = re.compile(r"[^\S\r\n]*+")


class Marker(NamedTuple):
    """Where a marker stands, with the comment's signs and the blanks between these and the word."""

    start: int
    end: int


def markers(text: str, word: str) -> Iterator[Marker]:
    """Yield the markers with a word, ``START`` or ``END``, one after another."""
    done = 0
    place = text.find(word)
    while place >= 0:
        start = done + len(text[done:place].rstrip(_BLANKS))
        sign = next((sign for sign in _BEFORE if text.endswith(sign, done, start)), "")
        behind = _ON.match(text, place + len(word)).end()  # type: ignore[union-attr]  # it always matches
        closing = next((sign for sign in _AFTER if text.startswith(sign, behind)), "")
        done = behind + len(closing)
        yield Marker(start - len(sign), done)
        place = text.find(word, done)


def mutable_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans of characters between markers, in the order of their ends; markers may nest."""
    found = [(marker.end, True) for marker in markers(text, START)]
    found += [(marker.start, False) for marker in markers(text, END)]
    spans: list[tuple[int, int]] = []
    opened: list[int] = []
    for position, opens in sorted(found, key=lambda marker: marker[0]):
        if opens:
            opened.append(position)
        elif opened:
            spans.append((opened.pop(), position))
    return spans


def is_mutable(span: tuple[int, int], spans: list[tuple[int, int]]) -> bool:
    """Whether a span lies within one of those that may be changed."""
    return any(start <= span[0] and span[1] <= end for start, end in spans)


def without_marker_lines(text: str) -> str:
    """Return a text without the lines that are markers, and without the white space around them, as the framework does.

    One comment syntax is taken out after another, whatever the language.
    """
    for word in (START, END):
        for opening, closing in (("#", ""), ("//", ""), ("!", ""), ("<!--", "-->"), ("(*", "*)"), ("", "")):
            if word in text:
                text = _without(text, word, opening, closing)
    return text


def _without(text: str, word: str, opening: str, closing: str) -> str:
    r"""Return a text without what ``^\s*OPENING\s*WORD\s*CLOSING\s*$`` matches in it, line by line."""
    kept: list[str] = []
    done = 0
    place = text.find(word)
    while place >= 0:
        span = _line_of_marker(text, place, word, opening, closing, done)
        if span is not None:
            kept.append(text[done : span[0]])
            done = span[1]
        place = text.find(word, max(place + len(word), done))
    return "".join([*kept, text[done:]])


def _line_of_marker(text: str, place: int, word: str, opening: str, closing: str, done: int) -> tuple[int, int] | None:
    """Return what the marker at a place takes with it, of what is not done; None where it is no line of its own."""
    first, last = place, place + len(word)
    if opening:
        first = _back(text, first, done)
        if not text.endswith(opening, done, first):
            return None
        first -= len(opening)
    if closing:
        last = _on(text, last)
        if not text.startswith(closing, last):
            return None
        last += len(closing)
    begin, end = _back(text, first, done), _on(text, last)
    if begin > 0 and text[begin - 1] != "\n":
        ahead = text.find("\n", begin, first)
        if ahead < 0:
            return None
        begin = ahead + 1
    if end < len(text):
        end = text.rfind("\n", last, end)
    return None if end < 0 else (begin, end)


def _back(text: str, place: int, done: int) -> int:
    while place > done and text[place - 1].isspace():
        place -= 1
    return place


def _on(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place
