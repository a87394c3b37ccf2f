"""Text that went through a wrong decoding: UTF-8 that was read as cp1252 is brought back where that is exact."""

from __future__ import annotations

import re
from typing import NamedTuple

SHOWN, LONGEST = 3, 40
"""Repaired runs that the note quotes, and characters of each; more would drown the rest of a report."""
_DAMAGED = re.compile(r"[^\x00-\x7f]+")
_UNDEFINED = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
"""Bytes without a character in cp1252; decoders in the field give the C1 control of the same number."""
_TO_BYTE = {bytes([byte]).decode("cp1252"): byte for byte in range(0x80, 0x100) if byte not in _UNDEFINED} | {
    chr(byte): byte for byte in _UNDEFINED
}
_TO_CHARACTER = {byte: character for character, byte in _TO_BYTE.items()}


class Repair(NamedTuple):
    """A text and, where it was changed, the sentence that says so."""

    text: str
    note: str | None = None


def damage(text: str) -> str:
    """Return what becomes of a text whose UTF-8 bytes are read as cp1252; the inverse of a repair."""
    return "".join(_TO_CHARACTER.get(byte, chr(byte)) for byte in text.encode("utf-8"))


def repair(text: str, parent: str = "") -> Repair:
    """Return the text as it was before UTF-8 was read as cp1252, if that is certain.

    Certain means: every run of characters beyond ASCII turns back into UTF-8, damaging the result again gives the same
    text, and none of the runs is one of the parent's, whose own spelling a SEARCH must be allowed to quote. Otherwise
    nothing is changed, not even in part. Text that was damaged twice is repaired once.

    Args:
        text: the document
        parent: the program that it changes, where that is known
    """
    runs = list(dict.fromkeys(_DAMAGED.findall(text)))
    if not runs or not set(_DAMAGED.findall(parent)).isdisjoint(runs):
        return Repair(text)
    pairs = {run: _undamaged(run) for run in runs}
    if any(before is None for before in pairs.values()):
        return Repair(text)
    repaired = _DAMAGED.sub(lambda match: pairs[match.group()] or "", text)
    if damage(repaired) != text:
        return Repair(text)
    return Repair(repaired, _note(pairs))


def _undamaged(run: str) -> str | None:
    try:
        return bytes(_TO_BYTE[character] for character in run).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return None


def _note(pairs: dict[str, str | None]) -> str:
    shown = ", ".join(f"{_quoted(run)} is {_quoted(before or '')}" for run, before in list(pairs.items())[:SHOWN])
    more = f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
    return f"repaired text that had been read as cp1252 instead of UTF-8: {shown}{more}"


def _quoted(text: str) -> str:
    return repr(text) if len(text) <= LONGEST else f"{text[:LONGEST]!r}..."
