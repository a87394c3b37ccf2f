"""How a candidate fails to answer, in words that a terminal can show."""

from __future__ import annotations

import re

from eplb_variants.errors import printable

CRASHED, TIMED_OUT, KILLED, GARBAGE = "crashed", "timed out", "killed", "garbage"
"""How a candidate fails: an exception; no answer in time; ended by a limit or itself; an answer that is none."""


class CandidateFailed(Exception):
    """A candidate did not answer a call.

    Attributes:
        kind: one of the words above.
        error: name of the exception's type, where there was one.
        line: line of the program, where known; 0 otherwise.
        message: what the program said of it. A stranger's words: for people, never for a model.
    """

    def __init__(self, kind: str, error: str = "", line: int = 0, message: str = "") -> None:
        super().__init__(kind, error, line, message)
        self.kind, self.error, self.line, self.message = kind, error, line, message

    def __str__(self) -> str:
        where = f" in line {self.line}" if self.line else ""
        what = f": {self.error}{where}" if self.error else ""
        return f"{self.kind}{what}" + (f": {self.message}" if self.message else "")


def told_failure(content: bytes | bytearray) -> CandidateFailed:
    """Return the exception that a candidate's process told of: its type, line and message, each on a line."""
    error, line, message = [*content.decode("utf-8", "replace").split("\n", 2), "", "", ""][:3]
    number = int(line) if re.fullmatch(r"[0-9]{1,7}", line) else 0
    return CandidateFailed(CRASHED, printable(error[:80]), number, printable(message[:500]))
