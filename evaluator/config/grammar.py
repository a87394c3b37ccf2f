"""How values are written on a command line; without Hydra, for whoever makes commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PLAIN = re.compile(r"(?!(?:null|true|false|inf|nan)$)[a-z_./][a-z0-9_./-]*", re.IGNORECASE)
"""Texts that Hydra reads as they are; whatever else is written in quotes."""


def written(value: Any) -> str:
    """Return a value as Hydra reads it on a command line."""
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else '"' + re.sub(r'(\\*)("|$)', _escaped, value) + '"'
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{written(key)}:{written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(written, value)) + "]"
    return "null" if value is None else str(value).lower()


def _escaped(found: re.Match[str]) -> str:
    """Return a quote, or the end, with backslashes that keep those before it and itself as they are."""
    return found[1] * 2 + ('\\"' if found[2] else "")
