"""The layer of resource limits: memory, CPU time, files, threads."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from typing import NamedTuple

THREADS = 64
"""Threads of a candidate at most; the kernel counts them for every user but root."""


@dataclass(frozen=True)
class Limits:
    """What a candidate may use.

    Args:
        wall_seconds: for loading, and for each call; measured outside.
        total_seconds: for each part, and for its timing, all that is asked of a program; measured outside.
        cpu_seconds: of its whole life.
        memory_mib: beyond what the interpreter with torch has already.
        file_mib: of a file, and of its scratch folder where that can be limited.
    """

    wall_seconds: float = 20.0
    total_seconds: float = 600.0
    cpu_seconds: int = 60
    memory_mib: int = 2048
    file_mib: int = 16


class Sizes(NamedTuple):
    """What a process has of memory already, in bytes: addresses, and data of its own."""

    addresses: int
    data: int


def own_sizes() -> Sizes:
    """Return what the calling process has of memory, as /proc tells."""
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = [int(number) for number in file.read().split()]
    return Sizes(pages[0] * resource.getpagesize(), pages[5] * resource.getpagesize())


def limit_resources(limits: Limits, sizes: Sizes | None = None) -> bool:
    """Limit what the calling process may use, beyond what it has already; return that it is limited.

    Args:
        limits: of what.
        sizes: what it has; asked for where not given.
    """
    has = sizes or own_sizes()
    memory = limits.memory_mib << 20
    for what, value in (
        (resource.RLIMIT_AS, has.addresses + memory),
        (resource.RLIMIT_DATA, has.data + memory),
        (resource.RLIMIT_FSIZE, limits.file_mib << 20),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, THREADS),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_CPU, limits.cpu_seconds),  # the end, without a warning: the first process of a namespace
        # ignores the signal that would be one
    ):
        allowed = resource.getrlimit(what)[1]
        value = value if allowed == resource.RLIM_INFINITY else min(value, allowed)
        resource.setrlimit(what, (value, value))
    return True
