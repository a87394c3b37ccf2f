"""A look at a file without reading it: enough to tell the formats apart."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

HEAD = 1 << 16
"""Bytes that are read: the keys by which a JSON file is recognised stand long before."""

LONGEST_NAME = 40
"""Characters of a name in an archive that are shown."""


@dataclass(frozen=True)
class Peek:
    """The beginning of a file and, for an archive, the names in it."""

    path: Path

    @cached_property
    def head(self) -> bytes:
        """Return the first bytes."""
        with self.path.open("rb") as file:
            return file.read(HEAD)

    @cached_property
    def members(self) -> tuple[str, ...]:
        """Return the names in a zip archive; none for other files, and none where its directory cannot be read."""
        if not self.head.startswith(b"PK"):
            return ()
        try:
            with zipfile.ZipFile(self.path) as archive:
                return tuple(archive.namelist())
        except Exception:  # names that are no text, sizes that are none: a directory can be damaged in many ways
            return ()

    @property
    def is_json(self) -> bool:
        """Whether it begins as a JSON object or array does."""
        return self.head.lstrip()[:1] in (b"{", b"[")

    @property
    def kind(self) -> str:
        """Return what the file seems to be, in words."""
        if not self.head:
            return "empty"
        if self.members:
            return f"an archive of {', '.join(name[:LONGEST_NAME] for name in self.members[:4])}"
        if self.head.startswith(b"PK"):
            return "an archive without its directory, which stands at the end: it was cut short or damaged"
        if self.head.startswith(b"PAR1"):
            return "a parquet file without counts"
        if self.is_json:
            return "JSON with neither 'load_history' nor 'logical_count' near its beginning"
        if self.head.startswith(b"\x80"):
            return "a pickle"
        return f"an unknown kind of file that begins with {self.head[:16]!r}"
