"""A bound on the work that matching takes: what compares every block with all lines grows with the product of both."""

from __future__ import annotations

from eplb_variants.errors import EplbError

MOST = 20_000_000
"""Comparisons of lines, or of 16 characters, that one document is worth: a second of work. A hundred blocks against a
program of five thousand lines take one in forty of that."""
PER_PLACE = 16
"""Comparisons that a place costs at which a line or a text was found: it is looked at, and may be named in a note."""
PER_MARKER = 64
"""Comparisons that a marker of an EVOLVE-BLOCK costs, whose surroundings are looked at."""
CHARACTERS = 16
"""Characters that are compared in the time of a line."""


class Work:
    """The comparisons that the matching of one document has taken so far."""

    def __init__(self) -> None:
        self.done = 0

    def spend(self, comparisons: int) -> None:
        """Count comparisons that are about to be made.

        Raises:
            EplbError: the document has taken more than ``MOST``.
        """
        self.done += comparisons
        if self.done > MOST:
            raise EplbError("its blocks and the text that they are matched with are too long to be compared")

    def search(self, text: str, wanted: str = "") -> None:
        """Count the search of one text in another; raises as ``spend``."""
        self.spend((len(text) + len(wanted)) // CHARACTERS + 1)
