"""What comes of applying a document: a program, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from eplb_variants.errors import EplbError


@dataclass(frozen=True)
class Applied:
    """A program, and what is worth saying about how it came about, a sentence each."""

    program: str
    notes: tuple[str, ...] = ()


class NotApplied(EplbError):
    """A document does not apply; ``detail`` is a line diff with the closest lines, empty where nothing is close."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail
