"""The layer of Landlock: all files but a few, TCP, and signals to others are closed."""

from __future__ import annotations

import os
import struct
import sys

from evaluator.candidates.sandbox.libc import LIBC, check

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
READ = 0b1101  # execute, read a file, read a folder
WRITE = 0b0111_1111_1110_0010  # write, truncate, make and remove everything
BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Kinds of access to files that each version of Landlock can take away."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")


def readable_paths() -> list[str]:
    """Return what a candidate may read: the interpreter, its packages, the system's libraries."""
    packages = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    paths = [sys.prefix, sys.base_prefix, *packages, "/usr", "/lib", "/lib64", "/etc/ld.so.cache", *DEVICES]
    return [path for path in dict.fromkeys(map(os.path.realpath, paths)) if os.path.exists(path) and path != "/"]


def restrict_files(scratch: str) -> int:
    """Close what this layer closes, but ``scratch``; return the version of Landlock, 0 where the kernel has none.

    The process must have given up new privileges.
    """
    abi = LIBC.syscall(_CREATE_RULESET, None, 0, 1)
    if abi < 1:
        return 0
    files = BY_ABI.get(min(abi, 5), BY_ABI[5])
    attributes = struct.pack("<3Q", files, 0b11 if abi >= 4 else 0, 0b11 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = check(LIBC.syscall(_CREATE_RULESET, attributes, size, 0), "landlock_create_ruleset")
    for path in readable_paths():
        folder = os.path.isdir(path)
        access = READ if folder else 0b101
        if path in DEVICES:
            access = 0b110
        _allow(ruleset, path, access & files)
    _allow(ruleset, scratch, (READ | WRITE) & files)
    check(LIBC.syscall(_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)
    return int(abi)


def _allow(ruleset: int, path: str, access: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    rule = struct.pack("<Qi", access, parent)
    check(LIBC.syscall(_ADD_RULE, ruleset, 1, rule, 0), f"landlock_add_rule {path}")
    os.close(parent)
