"""Blocks as a pattern with lazy gaps finds them, in time that grows with the document and not with its cube.

The frameworks' own patterns take minutes on a few thousand empty lines; a candidate must not be able to halt a scorer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Gaps(NamedTuple):
    """The texts between the first and second, and between the second and third marker of a block."""

    search: str
    replace: str
    start: int
    end: int


def blocks(text: str, opening: re.Pattern[str], divider: re.Pattern[str], closing: re.Pattern[str]) -> Iterator[Gaps]:
    """Yield what ``opening (lazy gap) divider (lazy gap) closing`` matches, one after another.

    Each marker is the first behind the one before it. Where one is missing it is missing for every later opening, too.
    """
    position = 0
    while (first := opening.search(text, position)) is not None:
        second = divider.search(text, first.end())
        third = closing.search(text, second.end()) if second else None
        if second is None or third is None:
            return
        search, replace = text[first.end() : second.start()], text[second.end() : third.start()]
        yield Gaps(search, replace, first.start(), third.end())
        position = third.end()
