"""The layer of namespaces: users, mounts, IPC, host name; all mounts read-only, the scratch folder in memory."""

from __future__ import annotations

import os
import struct

from evaluator.candidates.sandbox.libc import LIBC, check

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER = 0x20000, 0x4000000, 0x8000000, 0x10000000
MS_REC_PRIVATE, MS_NOSUID_NODEV_NOEXEC = 0x44000, 0xE


def enter_namespaces(scratch: str, file_mib: int) -> bool:
    """Enter namespaces of our own; return False, with nothing changed, where the kernel gives us none."""
    uid, gid = os.getuid(), os.getgid()
    if LIBC.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) != 0:
        return False
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    check(LIBC.mount(None, b"/", None, MS_REC_PRIVATE, None), "mount")
    read_only = struct.pack("<4Q", 1, 0, 0, 0)  # MOUNT_ATTR_RDONLY: no access time or attribute can be a message
    LIBC.syscall(442, -100, b"/", 0x8000, read_only, len(read_only))  # mount_setattr, recursive
    options = f"size={file_mib}m,nr_inodes=256,mode=0700".encode()
    LIBC.mount(b"tmpfs", scratch.encode(), b"tmpfs", MS_NOSUID_NODEV_NOEXEC, options)
    return True
