"""Recorded loads: a file with a trace, found by its path."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from evaluator.workloads.readers import read_steps, read_trace
from evaluator.workloads.trace import Trace

LONG = 4 << 20
"""Bytes of a file above which reading it takes long enough to be noticed."""


@dataclass(frozen=True)
class Recorded:
    """A recording.

    Args:
        path: the file; its format is recognised by its content.
    """

    path: str

    @property
    def is_long(self) -> bool:
        """Whether it is better kept in a compact form than read anew each time."""
        return os.path.getsize(self.path) > LONG

    def steps(self, seed: int) -> Iterator[NDArray[Any]]:
        """Yield the steps ``[L, E]`` of the trace one by one; a recording is the same for every seed."""
        return read_steps(self.path)

    def make(self, seed: int) -> Trace:
        """Return the trace; a recording is the same for every seed."""
        return read_trace(self.path)
