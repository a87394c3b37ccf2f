"""The layer of resource limits: memory, CPU time, files, threads."""

from __future__ import annotations

import resource
from dataclasses import dataclass

THREADS = 64
"""Threads of a candidate at most; the kernel counts them for ordinary users, and for root memory is the limit."""


@dataclass(frozen=True)
class Limits:
    """What a candidate may use.

    Args:
        wall_seconds: for loading, and for each call; measured outside.
        total_seconds: for each part, all that is asked of a program but its timing; measured outside.
        cpu_seconds: of its whole life.
        memory_mib: beyond what the interpreter with torch has already.
        file_mib: of a file, and of its scratch folder where that can be limited.
    """

    wall_seconds: float = 20.0
    total_seconds: float = 600.0
    cpu_seconds: int = 60
    memory_mib: int = 2048
    file_mib: int = 16


def limit_resources(limits: Limits) -> None:
    """Limit what the calling process may use, beyond what it has already."""
    page = resource.getpagesize()
    with open("/proc/self/statm", encoding="ascii") as file:
        sizes = [int(number) * page for number in file.read().split()]
    memory = limits.memory_mib << 20
    for what, value in (
        (resource.RLIMIT_AS, sizes[0] + memory),
        (resource.RLIMIT_DATA, sizes[5] + memory),
        (resource.RLIMIT_FSIZE, limits.file_mib << 20),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, THREADS),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        _limit(what, value, value)
    # the first limit sends the signal by which the judge knows the reason; who ignores it is killed at the second
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)


def _limit(what: int, soft: int, hard: int) -> None:
    allowed = resource.getrlimit(what)[1]
    if allowed != resource.RLIM_INFINITY:
        soft, hard = min(soft, allowed), min(hard, allowed)
    resource.setrlimit(what, (soft, hard))
