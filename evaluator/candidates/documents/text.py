"""Text as it stands in files: UTF-8, whatever its line ends, nothing translated."""

from __future__ import annotations

import re
from pathlib import Path

from eplb_variants.errors import EplbError

BOM = "\ufeff"
LISTED = 8
"""Line numbers that a sentence can bear."""
_AFTER_NEWLINE = re.compile(r"(?<=\n)")


def read_text(path: str | Path) -> str:
    r"""Return the text of a file with its own line ends (``\r\n`` stays ``\r\n``).

    Raises:
        EplbError: the file is missing, is a folder, cannot be read or is not UTF-8; says in which line.
    """
    path = Path(path)
    if not path.exists():
        raise EplbError(f"there is no file {str(path)!r}")
    if not path.is_file():
        raise EplbError(f"{str(path)!r} is not a file")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EplbError(f"{str(path)!r} cannot be read: {error.strerror}") from None
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
