"""Which process measures which cell, when several work in one folder at once.

A claim is a lock on one byte of a file: it ends with the process that holds it, however that ends, and leaves nothing
behind. Where a file system has no locks, every claim is granted, and a cell may be measured twice; the result is whole
all the same.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = ".claims"
_TAKEN = (errno.EACCES, errno.EAGAIN)


class Claims:
    """The claims of this process in the folder of a run.

    Args:
        folder: it exists and can be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def close(self) -> None:
        """End all claims."""
        os.close(self._file)

    @contextmanager
    def claim(self, what: str) -> Iterator[bool]:
        """Yield whether this process may measure something: nobody else does while this is open."""
        byte = int.from_bytes(hashlib.sha256(what.encode()).digest()[:7])
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except OSError as error:
            yield error.errno not in _TAKEN
            return
        try:
            yield True
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)
