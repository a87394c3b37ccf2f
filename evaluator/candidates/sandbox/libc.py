"""Calls of the C library and of the kernel that Python has no function for."""

from __future__ import annotations

import ctypes
import os
import platform
import struct

LIBC = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 24, 38
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x4000000, 0x8000000, 1 << 28, 1 << 29
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 0x2, 0x4, 0x8, 0x1000, 0x4000, 0x40000
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 0x1, 0x2, 0x4
_MOUNT_SETATTR, _PIVOT_ROOT = 442, {"x86_64": 155, "aarch64": 41}
_AT_FDCWD, _AT_RECURSIVE, _MNT_DETACH = -100, 0x8000, 2


def check(result: int, what: str) -> int:
    """Return the result of a call; OSError where it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def prctl(option: int, *arguments: int) -> None:
    """Change an attribute of the calling process; OSError where the kernel refuses."""
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)][:4]
    check(LIBC.prctl(option, *padded), "prctl")


def unshare(flags: int) -> None:
    """Enter new namespaces; OSError where the kernel gives none."""
    check(LIBC.unshare(flags), "unshare")


def setns(descriptor: int, kind: int) -> None:
    """Enter a namespace that there is; OSError where that is refused."""
    check(LIBC.setns(descriptor, kind), "setns")


def mount(source: str | None, target: str, kind: str | None = None, flags: int = 0, options: str = "") -> None:
    """Mount a file system or, with ``MS_BIND``, what is mounted already, at one more place."""
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    check(LIBC.mount(*words, ctypes.c_ulong(flags), options.encode()), f"mount {target}")


def limit_mounts(path: str, attributes: int) -> None:
    """Give attributes to the mount at a path and to all within it."""
    structure = struct.pack("<4Q", attributes, 0, 0, 0)
    arguments = _AT_FDCWD, os.fsencode(path), _AT_RECURSIVE, structure, ctypes.c_size_t(len(structure))
    check(LIBC.syscall(_MOUNT_SETATTR, *arguments), f"mount_setattr {path}")


def enter_mount(path: str) -> None:
    """Make a mount the root of all files, and let go of what was there before."""
    number = _PIVOT_ROOT.get(platform.machine())
    if number is None:
        raise OSError("pivot_root has no number on this processor")
    os.chdir(path)
    check(LIBC.syscall(number, b".", b"."), "pivot_root")
    check(LIBC.umount2(b".", _MNT_DETACH), "umount2")
    os.chdir("/")
