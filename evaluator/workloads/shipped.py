"""Recordings that ship with the package, found by their names from any folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from eplb_variants.errors import unknown
from evaluator.workloads.kept import Kept
from evaluator.workloads.recorded import Recorded
from evaluator.workloads.source import UnusableWorkload
from evaluator.workloads.trace import Trace

RECORDINGS = Path(__file__).parent / "recordings"
"""The folder that they travel in."""


def shipped_recordings() -> dict[str, Path]:
    """Return their files by name."""
    return {path.stem: path for path in sorted(RECORDINGS.glob("*.npz"))}


@dataclass(frozen=True)
class Shipped:
    """A recording of the package, the same for every seed; its bytes say which workload it is.

    Args:
        recording: its name, that of a file in ``recordings/`` without the ending.
    """

    located_by: ClassVar[tuple[str, ...]] = ("recording",)
    seeded: ClassVar[bool] = False

    recording: str

    @property
    def is_long(self) -> bool:
        """Whether it is better kept in a compact form than read anew each time."""
        return self._recorded.is_long

    @property
    def own_name(self) -> str:
        """Return the name of the recording."""
        return self.recording

    @property
    def read_as(self) -> str:
        """Return the file and its format."""
        return self._recorded.read_as

    @property
    def _recorded(self) -> Recorded:
        """Return the same as a file; UnusableWorkload where there is no such recording."""
        known = shipped_recordings()
        if self.recording not in known:
            raise UnusableWorkload(str(unknown("shipped recording", self.recording, known)))
        return Recorded(str(known[self.recording]))

    def identity(self, kept: Kept | None = None) -> str:
        """Return a hash of the file's bytes and of the code that reads its format."""
        return self._recorded.identity(kept)

    def check(self, interval: int) -> None:
        """Raise UnusableWorkload where there is no such recording or no window is so short."""
        self._recorded.check(interval)

    def steps(self, seed: int) -> Iterator[NDArray[Any]]:
        """Yield the steps ``[L, E]`` of the trace one by one."""
        return self._recorded.steps(seed)

    def make(self, seed: int) -> Trace:
        """Return the trace."""
        return self._recorded.make(seed)
