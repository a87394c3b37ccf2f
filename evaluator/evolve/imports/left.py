"""A program or document that an engine left behind, and the folder that it is read from, as a stranger's."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.files import read_regular
from evaluator.files import leads_out

LARGEST = 64 << 20
"""Bytes of a file of JSON: one program's, with what its model was asked."""
MOST_OBJECTS = 1_000_000
"""And lists, in a file of JSON: each takes a hundred times as much memory as the text that it may be of."""
MOST_LISTED = 100_000
"""Entries of a folder that are looked at."""


LARGEST_NUMBER = 1 << 53
"""Of a generation or iteration."""


@dataclass(frozen=True)
class Left:
    """A program or document that an engine left behind.

    Attributes:
        name: what the engine calls it.
        number: of its generation, iteration or place; what is printed is sorted by it.
        parent: the engine's name of the program that it was made of; None for an initial one, or where nobody says.
        source: the program, as the engine kept it; None for a document that it did not keep a program of.
        document: what the model answered; None where it is not kept.
        parent_source: what the document changes, where it is kept with it and not by the name of the parent.
        score: the engine's; None where there is none that is finite.
        matching: how the engine applies documents, one of ``MATCHINGS``; None where it does not say.
    """

    name: str
    number: int
    parent: str | None = None
    source: str | None = None
    document: str | None = None
    parent_source: str | None = None
    score: float | None = None
    matching: str | None = None


@dataclass
class Folder:
    """A folder whose files are a stranger's: what cannot be read is put down, and costs nothing else.

    Attributes:
        path: of the folder.
        missing: what could not be read, in words.
    """

    path: Path
    missing: list[str] = field(default_factory=list)

    def listed(self, inside: str = "", pattern: str = "*") -> list[Path]:
        """Return what is in a folder within, by name, its numbers in their order; nothing behind a link out of it."""
        if self.leads_out(self.path / inside / pattern.partition("*")[0]):
            return []
        try:
            found = list(islice((self.path / inside).glob(pattern), MOST_LISTED))
        except OSError:
            return []
        return sorted(found, key=_natural)

    def has(self, *names: str) -> bool:
        """Whether there is a file or folder of one of these names."""
        return any((self.path / name).exists() for name in names)

    def leads_out(self, path: Path) -> bool:
        """Whether a file is a link, or in one, that leads out of the folder: nothing else is read for a stranger."""
        leads = leads_out(path, self.path)
        if leads:
            self.put_down(path, "it is a link that leads out of the folder")
        return leads

    def text(self, path: Path) -> str | None:
        """Return the text of a file; None where it is not there, or cannot be read, which is put down."""
        if self.leads_out(path):
            return None
        try:
            return read_regular(path, LARGEST).decode("utf-8")
        except UnicodeDecodeError as error:
            self.put_down(path, f"it is not UTF-8 at byte {error.start}")
        except EplbError as error:
            if path.exists() or path.is_symlink():
                self.put_down(path, str(error))
        return None

    def json(self, path: Path) -> Any:
        """Return what is in a file of JSON; None where it is not there, or cannot be read, which is put down."""
        text = self.text(path)
        if text is None:
            return None
        if text.count("{") + text.count("[") > MOST_OBJECTS:
            self.put_down(path, f"it may hold more than {MOST_OBJECTS:,} objects")
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            self.put_down(path, "it is not JSON")
        return None

    def put_down(self, path: Path, why: str) -> None:
        """Put down that something in a file cannot be used."""
        try:
            name = str(path.relative_to(self.path))
        except ValueError:
            name = path.name
        self.missing.append(f"{name}: {why}")


def text_in(values: Any, name: str) -> str | None:
    """Return a text among values read from JSON; None where there is none."""
    found = values.get(name) if isinstance(values, dict) else None
    return found if isinstance(found, str) else None


def number_in(values: Any, name: str) -> float | None:
    """Return a finite number among values read from JSON; None where there is none."""
    found = values.get(name) if isinstance(values, dict) else None
    return finite(found)


def whole_in(values: Any, name: str) -> int:
    """Return a number among values read from JSON as an integer; 0 where there is none, or none that a place can be."""
    found = number_in(values, name)
    return int(found) if found is not None and abs(found) <= LARGEST_NUMBER else 0


def finite(value: Any) -> float | None:
    """Return a value that is a finite number; None otherwise."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return float(value) if is_number and math.isfinite(value) else None
    except OverflowError:
        return None


def _natural(path: Path) -> list[tuple[int, int | str]]:
    words = re.split(r"(\d{1,15})", path.name)
    return [(0, int(word)) if word.isdigit() and word.isascii() else (1, word) for word in words]
