"""The one exception type for mistakes that a user can make, and how it names what was meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST = 2000
"""Characters of a stranger's text that are shown."""


class EplbError(ValueError):
    """Something that was given cannot be used; the message is one sentence that says what and why."""


class UnfitError(EplbError):
    """Parts that are each right and do not fit together, such as more experts than slots."""


def unknown(what: str, given: object, known: Iterable[str]) -> EplbError:
    """Return the error for a name that does not exist: what was given, the nearest match, what is allowed."""
    names = sorted(known)
    close = get_close_matches(str(given), names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return EplbError(f"there is no {what} {str(given)!r}: {hint}known are {', '.join(names) or 'none'}")


def printable(text: str) -> str:
    """Return a stranger's text with all that a terminal might obey, or that ends a line, written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def described(error: BaseException) -> str:
    """Return the type and the text of a stranger's error in one printable line, whatever its text does when asked."""
    try:
        name, text = printable(type(error).__name__), printable(str(error)[:LONGEST])
    except BaseException:
        name, text = printable(type.__getattribute__(type(error), "__name__")), ""
    return f"{name}: {text}" if text else name
