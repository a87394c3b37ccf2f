"""Text as it stands in files: UTF-8, whatever its line ends, nothing translated."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from eplb_variants.errors import EplbError, printable
from evaluator.candidates.documents.files import read_regular

BOM = "\ufeff"
LONGEST_NAME = 60
"""Columns of a name; more is cut off."""
LISTED = 8
"""Line numbers that a sentence can bear."""
_AFTER_NEWLINE = re.compile(r"(?<=\n)")


def read_text(path: str | Path) -> str:
    r"""Return the text of a file with its own line ends (``\r\n`` stays ``\r\n``).

    Raises:
        EplbError: the file is missing, is no regular file, is too long, cannot be read or is not UTF-8; says in which
            line.
    """
    try:
        data = read_regular(path)
    except EplbError as error:
        raise EplbError(f"the file {str(path)!r} cannot be read: {error}") from None
    return decode(data, repr(str(path)))


def decode(data: bytes, what: str) -> str:
    """Return UTF-8 bytes as text; ``what`` names them in the error.

    Raises:
        EplbError: the bytes are not UTF-8; says in which line.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise EplbError(f"{what} is not UTF-8 text: byte {data[error.start]:#04x} in line {line}") from None


def split_lines(text: str) -> list[str]:
    r"""Return the lines with their ends, which together are the text again.

    Only ``\n`` ends a line, with or without a ``\r`` before it: a form feed or a U+2028 stands within a line, as for
    Python's own parser.
    """
    return [line for line in _AFTER_NEWLINE.split(text) if line]


def without_end(line: str) -> str:
    r"""Return a line without its ``\n`` or ``\r\n``."""
    return line.removesuffix("\r\n") if line.endswith("\r\n") else line.removesuffix("\n")


def dominant_end(text: str) -> str:
    r"""Return the line end that most lines have; ``\n`` where it is even or there is none."""
    return "\r\n" if 2 * text.count("\r\n") > text.count("\n") else "\n"


def line_of(text: str, position: int) -> int:
    r"""Return the number, from 1, of the line in which a character stands."""
    return text.count("\n", 0, position) + 1


def listed(numbers: list[int]) -> str:
    """Return line numbers as words: ``42``, ``42 and 130``, ``1, 2 and 3``; of many, the first and how many more."""
    words = [str(number) for number in numbers]
    if len(words) > LISTED:
        words = [*words[: LISTED - 1], f"{len(words) - LISTED + 1} more"]
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def shown_name(name: str) -> str:
    """Return what a stranger calls something as a terminal may show it: printable, and in no more than some columns."""
    kept, columns = [], 0
    for character in name[: LONGEST_NAME + 1]:
        written = printable(character)
        columns += len(written) + (unicodedata.east_asian_width(written[0]) in "WF")
        if columns > LONGEST_NAME:
            break
        kept.append(written)
    return "".join(kept)
