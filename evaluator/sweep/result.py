"""What became of a plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class SweepResult:
    """What became of a plan.

    Attributes:
        folder: where the results are.
        files: the file of each cell of the plan, whether measured now or before.
        measured: cells whose quality was measured now.
        timed: cells that were timed now.
        cached: cells for which nothing was left to do.
        failed: names of the cells that failed, with the reason.
        skipped: names of the cells whose parts do not fit together, with the reason.
        lost: of each job of a launcher that ended before its work was done, the reason; some of its cells are missing.
    """

    folder: Path
    files: list[Path] = field(default_factory=list)
    measured: int = 0
    timed: int = 0
    cached: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def add(self, other: SweepResult) -> None:
        """Take over what another process did of the same plan."""
        self.measured += other.measured
        self.timed += other.timed
        self.failed |= other.failed
        self.skipped |= other.skipped
