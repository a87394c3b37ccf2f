"""Recorded loads: a file with a trace, found by its path."""

from __future__ import annotations

from dataclasses import dataclass

from evaluator.workloads.readers import read_trace
from evaluator.workloads.trace import Trace


@dataclass(frozen=True)
class Recorded:
    """A recording.

    Args:
        path: the file; its format is recognised by its content.
    """

    path: str

    def make(self, seed: int) -> Trace:
        """Return the trace; a recording is the same for every seed."""
        return read_trace(self.path)
