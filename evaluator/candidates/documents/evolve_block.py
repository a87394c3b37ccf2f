"""EVOLVE-BLOCK markers: the comment lines between which a program may be changed."""

from __future__ import annotations

import re
from typing import NamedTuple

from eplb_variants.errors import EplbError

_MARKER = re.compile(r"\s*+#\s*+EVOLVE-BLOCK-(START|END)\b")


class Region(NamedTuple):
    """Lines that may be changed: from ``first``, counted from 0, up to but without ``end``."""

    first: int
    end: int


def is_marker(line: str) -> bool:
    """Whether a line is an EVOLVE-BLOCK marker."""
    return _MARKER.match(line) is not None


def regions(lines: list[str], what: str = "the program") -> list[Region] | None:
    """Return what lies between the markers; None where there are none and all may be changed.

    Raises:
        EplbError: the markers do not pair; ``what`` says whose they are.
    """
    found: list[Region] = []
    start: int | None = None
    for number, line in enumerate(lines):
        if (match := _MARKER.match(line)) is None:
            continue
        if (match[1] == "START") != (start is None):
            where = f"line {number + 1} has EVOLVE-BLOCK-{match[1]}"
            raise EplbError(f"the EVOLVE-BLOCK markers of {what} do not pair: {where}")
        if start is None:
            start = number + 1
        else:
            found.append(Region(start, number))
            start = None
    if start is not None:
        raise EplbError(f"the EVOLVE-BLOCK of {what} that begins in line {start} has no end")
    return found or None
