"""What a variant may use while it is measured."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from eplb_variants.errors import EplbError

SHARE_OF_MACHINE = 0.75
"""Of the machine's memory, for all processes that measure on it together: the rest is for everything else."""
CGROUP_FILES = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where a container's memory limit stands, by version of control groups."""


@dataclass(frozen=True)
class Limits:
    """What a variant may use.

    Args:
        place_seconds: time of one call of place, running or asleep, more than 0; waiting for a core does not count.
        memory_mib: memory that a measuring process may take beyond what it starts with; 0 for its share of three
            quarters of the machine's memory.
    """

    place_seconds: float = 60.0
    memory_mib: int = 0

    def __post_init__(self) -> None:
        if not self.place_seconds > 0:
            raise EplbError(f"place_seconds_limit is {self.place_seconds:g}: it must be more than 0")
        if self.memory_mib < 0:
            raise EplbError(f"memory_mib_limit is {self.memory_mib}: it must be 0 (a share of the machine's) or more")

    def memory_bytes(self, processes: int) -> int:
        """Return how much memory one of so many processes on this machine may take."""
        if self.memory_mib:
            return self.memory_mib << 20
        return int(machine_memory() * SHARE_OF_MACHINE / max(1, processes))


def machine_memory() -> int:
    """Return the bytes of memory that this process has at most: the machine's, its container's or its Slurm job's."""
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in CGROUP_FILES:
        try:
            sizes.append(int(Path(name).read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    if os.environ.get("SLURM_MEM_PER_NODE", "").isdigit():
        sizes.append(int(os.environ["SLURM_MEM_PER_NODE"]) << 20)
    return min(size for size in sizes if size > 0)
