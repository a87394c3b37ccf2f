"""How a child ended, from the kernel to the judge: bytes in one place, which are wiped before the next fork."""

from __future__ import annotations

import ctypes
import errno
import struct

from evaluator.candidates.sandbox.libc import LIBC

_LAYOUT = "=ixxxxqqqq"
"""A wait status; the times in user mode and in the kernel, each in seconds and microseconds. More is not looked at."""
SIZE = 256
"""Bytes: of the status and ``struct rusage``, with room."""


class Ended:
    """A place for what ``wait4`` tells; it never becomes an object that a forked process could find."""

    def __init__(self) -> None:
        self._place = ctypes.create_string_buffer(SIZE)
        self._usage = ctypes.byref(self._place, 8)

    @property
    def raw(self) -> memoryview:
        """The bytes as they are."""
        return memoryview(self._place)

    def wait_for(self, pid: int) -> None:
        """Wait for a child and keep what the kernel tells; ChildProcessError where there is no such."""
        while LIBC.wait4(pid, self._place, 0, self._usage) < 0:
            if ctypes.get_errno() != errno.EINTR:
                raise ChildProcessError(f"there is no child {pid}")

    def forget(self) -> None:
        """Wipe it."""
        ctypes.memset(self._place, 0, SIZE)


def read_ended(raw: bytes) -> tuple[int, float]:
    """Return the wait status and the CPU seconds in such bytes; zeros where the zygote has gone."""
    if len(raw) < struct.calcsize(_LAYOUT):
        return 0, 0.0
    status, *times = struct.unpack_from(_LAYOUT, raw)
    seconds, micros = times[0] + times[2], times[1] + times[3]
    return status, seconds + micros / 1e6
