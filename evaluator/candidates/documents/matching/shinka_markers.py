"""Where ShinkaEvolve lets a program be changed: between EVOLVE-BLOCK markers, which may stand anywhere in a line."""

from __future__ import annotations

import re

_MARKER = r"(?:#|//|!|<!--|\(\*)?[^\S\r\n]*EVOLVE-BLOCK-{}[^\S\r\n]*(?:-->|\*\))?"
START = re.compile(_MARKER.format("START"))
END = re.compile(_MARKER.format("END"))


def mutable_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans of characters between markers, in the order of their ends; markers may nest."""
    markers = [(match.end(), True) for match in START.finditer(text)]
    markers += [(match.start(), False) for match in END.finditer(text)]
    spans: list[tuple[int, int]] = []
    opened: list[int] = []
    for position, opens in sorted(markers, key=lambda marker: marker[0]):
        if opens:
            opened.append(position)
        elif opened:
            spans.append((opened.pop(), position))
    return spans


def is_mutable(span: tuple[int, int], spans: list[tuple[int, int]]) -> bool:
    """Whether a span lies within one of those that may be changed."""
    return any(start <= span[0] and span[1] <= end for start, end in spans)
