"""What stands in a document: SEARCH/REPLACE blocks, ``<DIFF>`` and ``<CODE>`` elements, fences.

Marker lines hold nothing but the marker. The marker lines of a block have the same indentation, so that an indented
``=======`` within a docstring is text. All else between blocks is taken for prose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.text import split_lines, without_end

_MARKER = re.compile(r"[ \t]*+(?P<marker><{7}[ \t]*+SEARCH|={7}|>{7}[ \t]*+REPLACE)[ \t]*+")
_FENCE = re.compile(r"[ \t]*+(?:```|~~~)[ \t]*+(?P<language>[\w+-]*+)[ \t]*+")
"""Nothing that was taken is given back: blanks behind a fence would be dealt out in every way otherwise."""
_STARTED = tuple(
    marker[:length] for marker in ("<<<<<<< SEARCH", "<DIFF>", "<CODE>") for length in range(1, len(marker))
)
"""Beginnings of what opens a part: as the last thing in a document they say that it was cut off."""
OPEN, SEPARATOR, CLOSE = "<", "=", ">"


@dataclass(frozen=True)
class Edit:
    r"""One SEARCH/REPLACE block.

    ``search`` and ``replace`` are whole lines, each with ``\n`` as its end: ``""`` is no line, ``"\n"`` an empty one.
    ``line`` is where the block begins in its document, from 1.
    """

    search: str
    replace: str
    line: int


@dataclass(frozen=True)
class Content:
    """What a document says: edits or a program, never both."""

    edits: tuple[Edit, ...] = ()
    program: str | None = None
    notes: tuple[str, ...] = ()


def first_part(text: str) -> int:
    """Return where the first block or ``<CODE>`` begins; the length of the text where there is none."""
    position = 0
    for line in split_lines(text):
        if _is_open(line) or line.strip() == "<CODE>":
            return position
        position += len(line)
    return position


def scan(text: str) -> Content:
    """Return the edits or the ``<CODE>`` of a document; neither where it has none.

    Raises:
        EplbError: a part is cut off or malformed, or there are both kinds; says in which line it begins.
    """
    lines = [without_end(line) for line in split_lines(text)]
    edits: list[Edit] = []
    programs: list[str] = []
    diff: tuple[int, int] | None = None
    fence: int | None = None
    number = 0
    while number < len(lines):
        line = lines[number].strip()
        if _is_open(lines[number]):
            edit, number = _block(lines, number)
            edits.append(edit)
            continue
        if line == "<CODE>":
            program, number = _code(lines, number)
            programs.append(program)
            continue
        if _kind(lines[number]) == CLOSE:
            raise EplbError(f"line {number + 1} ends a block that has no beginning")
        if line == "<DIFF>":
            _must_be_closed(diff, number)
            diff = (number, len(edits))
        elif line == "</DIFF>" and diff is not None:
            if len(edits) == diff[1]:
                raise EplbError(f"the <DIFF> in line {diff[0] + 1} has no SEARCH/REPLACE block")
            diff = None
        elif _FENCE.fullmatch(lines[number]):
            fence = number if fence is None else None
        number += 1
    _must_be_closed(diff, len(lines))
    if edits or programs:
        _must_not_be_started(lines)
    if edits and programs:
        raise EplbError("the document has both SEARCH/REPLACE blocks and a <CODE> element: it may have one of them")
    if len(programs) > 1:
        raise EplbError(f"the document has {len(programs)} <CODE> elements: it may have one")
    notes = (
        () if fence is None else (f"the fence in line {fence + 1} is not closed: the document may have been cut off",)
    )
    return Content(tuple(edits), programs[0] if programs else None, notes)


def fenced_program(text: str) -> str | None:
    """Return the one fenced program of a text without blocks: marked as Python, or not marked at all.

    Raises:
        EplbError: there are several, or the fence is not closed.
    """
    lines = [without_end(line) for line in split_lines(text)]
    found: dict[str, list[str]] = {}
    begin: int | None = None
    language = ""
    for number, line in enumerate(lines):
        if (match := _FENCE.fullmatch(line)) is None:
            continue
        if begin is None:
            begin, language = number, match["language"].lower()
        elif not match["language"]:
            found.setdefault(language, []).append(_text(lines[begin + 1 : number]))
            begin = None
    if begin is not None:
        raise EplbError(f"the fence that begins in line {begin + 1} is cut off in line {len(lines)}")
    programs = found.get("python", []) + found.get("py", []) or found.get("", [])
    if len(programs) > 1:
        raise EplbError(f"the document has {len(programs)} fenced programs: it may have one")
    return programs[0] if programs else None


def _block(lines: list[str], begin: int) -> tuple[Edit, int]:
    indent = _indent(lines[begin])
    separator: int | None = None
    where = f"the block that begins in line {begin + 1}"
    for number in range(begin + 1, len(lines)):
        if lines[number].strip() == "</DIFF>":
            raise EplbError(f"{where} is cut off in line {number + 1}, by </DIFF> within its {_part(separator)} part")
        kind = _kind(lines[number]) if _indent(lines[number]) == indent else None
        if kind == OPEN:
            raise EplbError(f"{where} is cut off in line {number + 1}, where another begins")
        if kind == SEPARATOR:
            if separator is not None:
                raise EplbError(
                    f"{where} has a second '=======' in line {number + 1}: which one divides it is not said"
                )
            separator = number
        elif kind == CLOSE:
            if separator is None:
                raise EplbError(f"{where} ends in line {number + 1} without a '=======' between SEARCH and REPLACE")
            edit = Edit(_text(lines[begin + 1 : separator]), _text(lines[separator + 1 : number]), begin + 1)
            return edit, number + 1
    raise EplbError(f"{where} is cut off in line {len(lines)}, within its {_part(separator)} part")


def _code(lines: list[str], begin: int) -> tuple[str, int]:
    end = next((number for number in range(begin + 1, len(lines)) if lines[number].strip() == "</CODE>"), None)
    if end is None:
        raise EplbError(f"the <CODE> that begins in line {begin + 1} is cut off in line {len(lines)}")
    first = next((number for number in range(begin + 1, end) if lines[number].strip()), end)
    if first == end:
        raise EplbError(f"the <CODE> in line {begin + 1} is empty")
    if not _FENCE.fullmatch(lines[first]):
        return _text(lines[begin + 1 : end]), end + 1
    last = max(number for number in range(first, end) if _FENCE.fullmatch(lines[number]))
    if last == first:
        raise EplbError(f"the fence that begins in line {first + 1} is cut off in line {end + 1}, by </CODE>")
    return _text(lines[first + 1 : last]), end + 1


def _must_be_closed(diff: tuple[int, int] | None, end: int) -> None:
    if diff is not None:
        raise EplbError(f"the <DIFF> that begins in line {diff[0] + 1} is not closed: it is cut off in line {end}")


def _must_not_be_started(lines: list[str]) -> None:
    if lines[-1].strip() in _STARTED:
        raise EplbError(f"the document is cut off: a part begins in line {len(lines)}, its last, {lines[-1].strip()!r}")


def _part(separator: int | None) -> str:
    return "SEARCH" if separator is None else "REPLACE"


def _kind(line: str) -> str | None:
    match = _MARKER.fullmatch(line)
    return match["marker"][0] if match else None


def _is_open(line: str) -> bool:
    return _kind(without_end(line)) == OPEN


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
