"""Characters that a reader of a program does not see: which are refused, and which are named in a note."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.text import BOM, listed, split_lines, without_end

LISTED = 4
"""Kinds of characters that are noted, and lines of each."""
_REFUSED = re.compile(r"[\x00-\x08\x0b\r\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u115f\u1160\u3164\uffa0]")
"""A carriage return alone, control characters but tab, line and form feed, controls of the direction of writing, and
letters of no width, which may be names of Python."""
_PERHAPS_NOTED = re.compile(r"[^\x00-\x7f]")
_MORE_NOTED = frozenset({*"\u034f\u17b4\u17b5\u2028\u2029", *map(chr, range(0xE0100, 0xE01F0))})
"""Beside those of the category of format characters: they have no width, or end a line only for some readers."""
_SELECTOR = re.compile(r"(?<=\w)[\u180b-\u180f\ufe00-\ufe0f]")
"""Selectors of a variant of the letter before, which looks the same: in a name of Python they make another name. Those
behind the sign of an emoji are honest."""
_BLANK_OR_COMMENT = re.compile(r"[ \t\f]*+(?:#|\r?$)")
_COOKIE = re.compile(r"[ \t\f]*+#.*?coding[:=][ \t]*+([-\w.]+)")
_UTF8, _ASCII = ("utf-8", "utf8"), ("ascii", "us-ascii")
_WORDS = {
    "\r": "a carriage return alone, which Python reads as a line end and a diff does not show",
    "\x00": "a null character",
}


def notes_on_characters(program: str, parent: str) -> tuple[str, ...]:
    """Return what should be said of characters of a program that are not seen, a sentence each.

    Lines that stand in the parent as they are are the parent's affair. Characters of no width, such as the joiner of an
    emoji, are honest in texts and comments; elsewhere Python refuses them itself. So they are noted, not refused.

    Args:
        program: what a document made of its parent.
        parent: the program that it changes.

    Raises:
        EplbError: a line has a carriage return alone, a control character, a control of the direction of writing or a
            letter of no width, or a comment declares an encoding other than UTF-8; names the line, from 1.
    """
    _must_be_utf8(program, parent)
    known = set(map(without_end, split_lines(parent)))
    found: dict[str, list[int]] = {}
    for number, line in enumerate(map(without_end, split_lines(program)), start=1):
        if (line.isascii() and line.isprintable()) or line in known:
            continue
        if (refused := _REFUSED.search(line)) is not None:
            raise EplbError(f"line {number} of the program has {_named(refused.group())}")
        for character in dict.fromkeys(_noted(line)):
            found.setdefault(character, []).append(number)
    return tuple(_notes(found))


def _noted(line: str) -> Iterator[str]:
    for character in _PERHAPS_NOTED.findall(line):
        if character in _MORE_NOTED or unicodedata.category(character) == "Cf":
            yield character
    yield from _SELECTOR.findall(line)


def _notes(found: dict[str, list[int]]) -> Iterator[str]:
    for character, lines in list(found.items())[:LISTED]:
        where = f"line{'s' * (len(lines) > 1)} {listed(lines)}"
        yield f"the program has {_named(character)}, which is not seen, in {where}"
    if len(found) > LISTED:
        yield f"the program has {len(found) - LISTED} further characters that are not seen"


def _named(character: str) -> str:
    """Return a character in words of Unicode's own."""
    if character in _WORDS:
        return _WORDS[character]
    name = unicodedata.name(character, "a control character")
    return f"{name} (U+{ord(character):04X})"


def _must_be_utf8(program: str, parent: str) -> None:
    """Refuse a declared encoding by which the file would be read otherwise than it is here."""
    cookie = _cookie(program)
    if cookie is None or cookie[1] == (_cookie(parent) or (0, None))[1]:
        return
    number, declared = cookie
    encoding = declared.lower().replace("_", "-")
    if encoding in _UTF8 or encoding.startswith("utf-8-") or (encoding in _ASCII and program.isascii()):
        return
    raise EplbError(
        f"line {number} of the program declares an encoding other than UTF-8: run as a file it would be another program"
    )


def _cookie(program: str) -> tuple[int, str] | None:
    """Return the line, from 1, in which a program declares its encoding (PEP 263), and which; None for none."""
    for number, line in enumerate(program.removeprefix(BOM).split("\n", 2)[:2], start=1):
        if (match := _COOKIE.match(line)) is not None:
            return number, match[1]
        if _BLANK_OR_COMMENT.match(line) is None:
            return None
    return None
