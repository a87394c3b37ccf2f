"""Reading a stranger's file: a regular one, a bounded number of bytes, and never a wait."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from eplb_variants.errors import EplbError

MAX_BYTES = 1_600_003
"""Of a file that is read: 400,000 characters of four bytes each, and a byte order mark."""
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def read_regular(path: str | Path, most: int = MAX_BYTES) -> bytes:
    """Return the bytes of a regular file, or of the one that a link leads to.

    The file is opened only if it is a regular one, and asked again once it is open. No more than ``most`` bytes and one
    are read, whatever size the file claims. Neither opening nor reading waits for another process.

    Raises:
        EplbError: there is none, it is not a regular file, cannot be read or is longer; the sentence does not name it.
    """
    try:
        _must_be_regular(os.stat(path).st_mode)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            _must_be_regular(os.fstat(descriptor).st_mode)
            content = _bounded(descriptor, most + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        leads_nowhere = os.path.islink(path)
        raise EplbError("it is a link that leads nowhere" if leads_nowhere else "there is no such file") from None
    except OSError as error:
        raise EplbError(str(error.strerror or type(error).__name__)) from None
    if len(content) > most:
        raise EplbError(f"it has more than {most} bytes: a file of that size is not read")
    return content


def _must_be_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise EplbError(f"it is {_KINDS.get(stat.S_IFMT(mode), 'something else')}, not a regular file")


def _bounded(descriptor: int, left: int) -> bytes:
    parts = []
    while left > 0 and (part := os.read(descriptor, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
