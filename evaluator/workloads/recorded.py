"""Recorded loads: a file with a trace, found by its path."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from evaluator.workloads.kept import Kept
from evaluator.workloads.readers import read_steps, read_trace, reader_of
from evaluator.workloads.source import FOLDER, UnusableWorkload, hash_of_files
from evaluator.workloads.trace import Trace

LONG = 4 << 20
"""Bytes of a file above which reading it takes long enough to be noticed."""

READ_BY = ("readers/whole.py",)
"""Files that have a part in reading every format; recognising one has none in what is read."""


@dataclass(frozen=True)
class Recorded:
    """A recording, the same for every seed.

    Args:
        path: the file; its format is recognised by its content.
    """

    located_by: ClassVar[tuple[str, ...]] = ("path",)
    seeded: ClassVar[bool] = False

    path: str

    @property
    def is_long(self) -> bool:
        """Whether it is better kept in a compact form than read anew each time."""
        return os.path.getsize(self.path) > LONG

    @property
    def own_name(self) -> str:
        """Return the name of the file without its ending."""
        return Path(self.path).stem

    @property
    def read_as(self) -> str:
        """Return the file and its format; UnusableWorkload where no reader knows it."""
        return f"{self.path!r}, {self._reader().FORMAT}"

    def identity(self, kept: Kept | None = None) -> str:
        """Return a hash of the file's bytes and of the code that reads its format, not of other formats' readers."""
        made_by = hash_of_files("recorded.py", *READ_BY, Path(self._reader().__file__).relative_to(FOLDER).as_posix())
        content = (kept or Kept(Path(os.devnull))).content_of(self.path)
        return hashlib.sha256(f"{content} {made_by}".encode()).hexdigest()

    def check(self, interval: int) -> None:
        """Raise UnusableWorkload where there is no such file, no reader knows its format, or no window is so short."""
        self._reader()
        if interval < 1:
            raise UnusableWorkload(f"the interval is {interval}: a window is at least one step")

    def _reader(self) -> Any:
        try:
            os.stat(self.path)
            return reader_of(self.path)
        except OSError as error:
            raise UnusableWorkload(f"there is no workload in {self.path!r}: {error.strerror}") from None
        except ValueError as error:  # EplbError, and a path that is none
            raise UnusableWorkload(str(error)) from None

    def steps(self, seed: int) -> Iterator[NDArray[Any]]:
        """Yield the steps ``[L, E]`` of the trace one by one."""
        return read_steps(self.path)

    def make(self, seed: int) -> Trace:
        """Return the trace."""
        return read_trace(self.path)
