"""The layer of Landlock: all files but a few, TCP, and signals to others are closed."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable

from evaluator.candidates.sandbox.libc import LIBC, check
from evaluator.candidates.sandbox.visible import DEVICES, shown_around_project

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
READ, READ_FILE, USE_DEVICE = 0b1101, 0b0101, 0b0110  # execute 1, write 2, read a file 4, read a folder 8
WRITE = 0b0111_1111_1111_0010  # write, truncate, make and remove everything
BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Kinds of access to files that each version of Landlock can take away."""


def restrict_files(scratch: str, shown: Iterable[str] | None = None) -> int:
    """Close what this layer closes; return the version of Landlock, 0 where the kernel has none.

    Args:
        scratch: the folder that may be written to.
        shown: what may be read beside the devices; where not given, ``shown_around_project``.

    The process must have given up new privileges.
    """
    abi = LIBC.syscall(_CREATE_RULESET, None, 0, 1)
    if abi < 1:
        return 0
    files = BY_ABI.get(min(abi, 5), BY_ABI[5])
    attributes = struct.pack("<3Q", files, 0b11 if abi >= 4 else 0, 0b11 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = check(LIBC.syscall(_CREATE_RULESET, attributes, size, 0), "landlock_create_ruleset")
    for path in shown_around_project() if shown is None else shown:
        _allow(ruleset, path, (READ if os.path.isdir(path) else READ_FILE) & files)
    for path in filter(os.path.exists, DEVICES):
        _allow(ruleset, path, USE_DEVICE & files)
    _allow(ruleset, scratch, (READ | WRITE) & files)
    check(LIBC.syscall(_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)
    return int(abi)


def _allow(ruleset: int, path: str, access: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    rule = struct.pack("<Qi", access, parent)
    check(LIBC.syscall(_ADD_RULE, ruleset, 1, rule, 0), f"landlock_add_rule {path}")
    os.close(parent)
