"""Text of eight domains that Python and Debian ship, as bytes.

Only counts of the routing leave this folder; no text does.
"""

from __future__ import annotations

import gzip
import re
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST = 2_000_000
"""Bytes of a domain that are used, at most."""
HELD_OUT = 10
"""One block in so many is never trained on; the recording is made of these."""
BLOCK = 4096
"""Bytes of a block: long against a request, so that few requests touch trained text."""
ROFF = re.compile(rb"^[.'].*$\n?|\\f(?:\[\w*\]|\(..|.)|\\&|\\\(..|\\", re.MULTILINE)
"""Lines of commands and escapes of a manual page's source."""


class Domain(NamedTuple):
    """A kind of text: where its files are, and what they hold."""

    package: str
    """Debian package that has it; empty for Python's own."""
    folder: str
    pattern: str
    clean: Callable[[bytes], bytes] = lambda text: text


def _manual(text: bytes) -> bytes:
    return ROFF.sub(b"", text)


def _fortunes(text: bytes) -> bytes:
    return text.replace(b"\n%\n", b"\n\n")


MANUAL = "man[1-8]/*.gz"
DOMAINS = {
    "english": Domain("fortunes", "/usr/share/games/fortunes", "*.u8", _fortunes),
    "german": Domain("manpages-de", "/usr/share/man/de", MANUAL, _manual),
    "russian": Domain("manpages-ru", "/usr/share/man/ru", MANUAL, _manual),
    "japanese": Domain("manpages-ja", "/usr/share/man/ja", MANUAL, _manual),
    "python": Domain("", sysconfig.get_paths()["stdlib"], "*.py"),
    "c": Domain("linux-libc-dev", "/usr/include/linux", "**/*.h"),
    "json": Domain("iso-codes", "/usr/share/iso-codes/json", "*.json"),
    "table": Domain("unicode-data", "/usr/share/unicode", "UnicodeData.txt"),
}


class Text(NamedTuple):
    """Bytes of one domain."""

    train: NDArray[np.uint8]
    held_out: NDArray[np.uint8]


def read_corpus() -> dict[str, Text]:
    """Return the text of each domain.

    Raises:
        SystemExit: a domain has no files; says which packages to install.
    """
    whole = {name: _read(domain) for name, domain in DOMAINS.items()}
    if missing := [name for name, text in whole.items() if len(text) < HELD_OUT * BLOCK]:
        packages = " ".join(sorted({DOMAINS[name].package for name in missing} - {""}))
        raise SystemExit(f"no text of {', '.join(missing)}: apt-get install {packages}")
    return {name: _split(text) for name, text in whole.items()}


def _read(domain: Domain) -> bytes:
    """Return the files of a domain in the order of their names, each tenth one first: ``MOST`` bytes of all kinds."""
    files = sorted(path for path in Path(domain.folder).glob(domain.pattern) if path.is_file())
    found, size = [], 0
    for start in range(10):
        for path in files[start::10]:
            raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            found.append(domain.clean(raw))
            size += len(found[-1])
            if size >= MOST:
                return b"".join(found)[:MOST]
    return b"".join(found)


def _split(text: bytes) -> Text:
    """Return all blocks but each tenth to train on, and each tenth."""
    blocks = np.frombuffer(text, np.uint8)[: len(text) // BLOCK * BLOCK].reshape(-1, BLOCK)
    held_out = np.arange(len(blocks)) % HELD_OUT == HELD_OUT - 1
    return Text(blocks[~held_out].ravel(), blocks[held_out].ravel())
