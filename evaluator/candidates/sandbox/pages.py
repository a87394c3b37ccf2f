"""Gathers the memory of the process that candidates are forked from into large pages, so that a fork copies few."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path

from evaluator.candidates.sandbox.libc import LIBC

LARGE = 1 << 21
_COLLAPSE = 25  # MADV_COLLAPSE, since Linux 6.1
_WRITABLE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0 *(\[heap\])?")


def gather_pages() -> int:
    """Gather what the calling process has of writable memory; return how many bytes, 0 where the kernel cannot."""
    try:
        maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    gathered = 0
    for start, size in _whole_pages(maps):
        if LIBC.madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), _COLLAPSE) == 0:
            gathered += size
    return gathered


def _whole_pages(maps: str) -> Iterator[tuple[int, int]]:
    """Yield address and size of the large pages that fit into each region of writable memory without a file."""
    for line in maps.splitlines():
        match = _WRITABLE.fullmatch(line.rstrip())
        if match:
            start, end = -(-int(match[1], 16) // LARGE) * LARGE, int(match[2], 16) // LARGE * LARGE
            if end > start:
                yield start, end - start
