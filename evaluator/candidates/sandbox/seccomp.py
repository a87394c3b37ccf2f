"""The layer of seccomp: a filter of system calls that lists what is allowed and refuses everything else."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from functools import lru_cache

from evaluator.candidates.sandbox import bpf
from evaluator.candidates.sandbox.calls import ALLOWED, ARCHITECTURES, CHECKED, FUTEX, ITSELF, MISSING, Numbers
from evaluator.candidates.sandbox.libc import LIBC, PR_SET_SECCOMP


def install_filter() -> bool:
    """Refuse all calls but those of ``calls.py``; return whether this kernel and processor have filters.

    The process must have given up new privileges.
    """
    code = filter_code()
    if code is None:
        return False
    code = code.replace(struct.pack("<I", ITSELF), struct.pack("<I", os.getpid()))
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("<HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
    argument = ctypes.create_string_buffer(header, len(header))
    mode = ctypes.c_ulong(2)  # SECCOMP_MODE_FILTER
    return bool(LIBC.prctl(PR_SET_SECCOMP, mode, ctypes.byref(argument), 0, 0) == 0)


@lru_cache(maxsize=1)
def filter_code() -> bytes | None:
    """Return the filter of this processor; None where we have none. Made once, before processes are forked."""
    machine = platform.machine()
    if machine not in ARCHITECTURES or sys.byteorder != "little":
        return None
    return bpf.packed(make_filter(machine))


def make_filter(machine: str) -> list[bpf.Instruction]:
    """Return the filter of a processor, with ``ITSELF`` where the process's own id belongs."""
    column = list(ARCHITECTURES).index(machine)
    blocks: dict[int, bpf.Block] = {}

    def give(numbers: Numbers, block: bpf.Block) -> None:
        number = numbers[column]
        if number is not None:
            blocks[number] = block

    for numbers in ALLOWED.values():
        give(numbers, bpf.allowed())
    for numbers, checks in CHECKED.values():
        give(numbers, bpf.checked(checks))
    for numbers in MISSING.values():
        give(numbers, bpf.refused(bpf.ENOSYS))
    give(FUTEX, bpf.of_futex())
    return bpf.filter_of(ARCHITECTURES[machine], blocks)
