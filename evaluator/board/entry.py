"""An entry of a board: a folder with a program or a variant, and a card that says whose it is and what it claims."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.document import why_no_program
from evaluator.candidates.documents.files import read_regular
from evaluator.files import leads_out
from evaluator.sweep.variant_file import config_in, plain_yaml

CARD, PROGRAM, VARIANT = "card.yaml", "program.py", "variant.yaml"
VARIANTS = "variant"
TEXTS = ("name", "licence", "source", "summary", "engine")
NEEDED = ("name", "authors", "licence")
KEYS = {*TEXTS, "authors", "claims"}
CLAIMED = {
    "next": "balancedness of GPUs on the next window, on the training part",
    "own": "the same on the window that was placed",
    "dispatched": "next, with tokens split over replicas by load as well as can be",
    "difference": "of next to DeepSeek's balancer, on the training part",
    "held_out_difference": "the same on the held-out part",
    "moved": "share of the slots that move at a rebalance",
    "time": "placement time over that of DeepSeek's balancer",
}
"""What a claim may be about: columns of the board."""
BOUNDS = ("at_least", "at_most")
MOST_TOLD = 5
"""Files that are told of one by one."""
LONGEST_TEXT, LONGEST_NAME, MOST_CLAIMS, MOST_AUTHORS = 400, 40, 20, 50
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+()/-]*")


@dataclass(frozen=True)
class Claim:
    """What an entry says of itself: a column of the board, and a bound."""

    column: str
    bound: str
    value: float

    def __str__(self) -> str:
        return f"{self.column} {self.bound.replace('_', ' ')} {self.value:g}"

    def holds(self, found: float) -> bool:
        """Whether what was found is within the bound."""
        return found >= self.value if self.bound == "at_least" else found <= self.value


@dataclass(frozen=True)
class Card:
    """Who made an entry, and what it claims.

    Attributes:
        name: of the entry, on the board.
        authors: who made it.
        licence: under which it may be used.
        source: where it comes from; empty if nobody says.
        summary: a sentence.
        engine: that found it; empty if none did.
        claims: of the entry.
    """

    name: str
    authors: tuple[str, ...]
    licence: str
    source: str = ""
    summary: str = ""
    engine: str = ""
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class Entry:
    """An entry of a board.

    Attributes:
        card: of it.
        program: its source; None for a variant.
        variant: its composition, as ``load_variant`` takes it; None for a program.
        shipped: name of the variant that ships and that this is; None for a submission.
    """

    card: Card
    program: str | None = None
    variant: Mapping[str, Any] | None = None
    shipped: str | None = None

    @property
    def kind(self) -> str:
        """``program`` or ``variant``."""
        return "variant" if self.program is None else "program"


def read_entry(folder: str | Path) -> Entry:
    """Return the entry in a folder.

    Raises:
        EplbError: it lacks something, in a sentence that says all that it lacks.
    """
    lacks = lacks_of(folder)
    if lacks:
        raise EplbError(f"the entry {str(folder)!r} cannot be used: {'; '.join(lacks)}")
    folder = Path(folder)
    values = _card_values(folder)
    claims = tuple(
        Claim(claim["column"], bound, float(claim[bound]))
        for claim in values.get("claims") or ()
        for bound in BOUNDS
        if bound in claim
    )
    name, licence, source, summary, engine = (str(values.get(key) or "") for key in TEXTS)
    card = Card(name, tuple(values["authors"]), licence, source, summary, engine, claims)
    if (folder / PROGRAM).exists():
        return Entry(card, program=_text(folder / PROGRAM))
    return Entry(card, variant=config_in(_text(folder / VARIANT)))


def read_entries(folders: Sequence[str | Path], taken: Iterable[str] = ()) -> tuple[list[Entry], dict[str, str]]:
    """Return the entries in folders, and why others are left out, by folder: what one lacks is no affair of the others.

    Args:
        folders: of entries, in the order in which they came: a name is the first one's.
        taken: names that are others' already.
    """
    names = {name.casefold() for name in taken}
    entries, left_out = [], {}
    for folder in map(str, folders):
        try:
            entry = read_entry(folder)
        except EplbError as error:
            left_out[folder] = str(error)
            continue
        name = entry.card.name
        if name.casefold() in names:
            left_out[folder] = f"the entry {folder!r} cannot be used: another is called {name!r} already"
        else:
            names.add(name.casefold())
            entries.append(entry)
    return entries, left_out


def lacks_of(folder: str | Path) -> list[str]:
    """Return what an entry lacks, a sentence each; nothing where it can be judged."""
    folder = Path(folder)
    if not folder.is_dir():
        return ["there is no such folder"]
    names = {path.name for path in folder.iterdir() if path.name != "__pycache__"}
    others = sorted(names - {CARD, PROGRAM, VARIANT})
    lacks = [f"{name} is neither a card nor an entry" for name in others[:MOST_TOLD]]
    lacks += [f"and so are {len(others) - MOST_TOLD} others"] if len(others) > MOST_TOLD else []
    if len(names & {PROGRAM, VARIANT}) != 1:
        lacks.append(f"it must have one of {PROGRAM} and {VARIANT}")
    try:
        lacks += _lacks_of_card(_card_values(folder))
    except EplbError as error:
        lacks.append(f"{CARD}: {error}")
    for name, check in ((PROGRAM, _why_not_program), (VARIANT, _why_not_variant)):
        if name in names:
            try:
                why: str | None = check(_text(folder / name))
            except EplbError as error:
                why = str(error)
            lacks += [f"{name}: {why}"] if why else []
    return lacks


def _card_values(folder: Path) -> dict[str, Any]:
    return plain_yaml(_text(folder / CARD))


def _lacks_of_card(values: Mapping[str, Any]) -> list[str]:
    lacks = [f"{CARD}: it has no {name}" for name in NEEDED if not values.get(name)]
    lacks += [f"{CARD}: there is no key {key!r}" for key in sorted(values.keys() - KEYS)]
    for name in TEXTS:
        value = values.get(name)
        if value is not None and (not isinstance(value, str) or len(value) > LONGEST_TEXT):
            lacks.append(f"{CARD}: {name} must be a text of {LONGEST_TEXT} characters at most")
    called = values.get("name")
    if isinstance(called, str) and (len(called) > LONGEST_NAME or not _NAME.fullmatch(called)):
        lacks.append(f"{CARD}: the name must be {LONGEST_NAME} letters, digits, blanks and ._+()/- at most")
    authors = values.get("authors")
    if authors is not None and not (
        isinstance(authors, list)
        and 0 < len(authors) <= MOST_AUTHORS
        and all(isinstance(author, str) and 0 < len(author) <= LONGEST_TEXT for author in authors)
    ):
        lacks.append(f"{CARD}: authors must be a list of names")
    source = values.get("source")
    if isinstance(source, str) and not re.fullmatch(r"https?://[^\s<>\"']+", source):
        lacks.append(f"{CARD}: the source must be an address that begins with https://")
    return lacks + _lacks_of_claims(values.get("claims"))


def _lacks_of_claims(claims: Any) -> list[str]:
    if claims is None:
        return []
    if not isinstance(claims, list) or len(claims) > MOST_CLAIMS:
        return [f"{CARD}: claims must be a list of {MOST_CLAIMS} at most"]
    lacks = []
    for claim in claims:
        words = dict(claim) if isinstance(claim, dict) else {}
        column, rest = words.pop("column", None), words
        if not isinstance(column, str) or column not in CLAIMED:
            lacks.append(f"{CARD}: a claim must have a column, one of {', '.join(CLAIMED)}")
        elif not rest or not rest.keys() <= set(BOUNDS) or not all(_is_number(value) for value in rest.values()):
            lacks.append(f"{CARD}: the claim on {column} must have at_least or at_most, with a number")
    return lacks


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _why_not_program(source: str) -> str | None:
    why = why_no_program(source)
    return None if why is None else f"it is no Python program: {why}"


def _why_not_variant(text: str) -> str | None:
    config_in(text)
    return None


def _text(path: Path) -> str:
    if leads_out(path, path.parent):
        raise EplbError("it is a link that leads out of the folder")
    try:
        return read_regular(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise EplbError(f"it is not UTF-8 at byte {error.start}") from None
