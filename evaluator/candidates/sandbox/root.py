"""The layer of a root of its own: a small tree of read-only mounts that holds what candidates may read, and no more.

A path outside of it is not there: neither its content nor its attributes nor that it exists.
"""

from __future__ import annotations

import os

from evaluator.candidates.sandbox.libc import (
    ATTR_NODEV,
    ATTR_NOSUID,
    ATTR_RDONLY,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    enter_mount,
    limit_mounts,
    mount,
)
from evaluator.candidates.sandbox.visible import DEVICES, LINKS, hidden_paths, shown_paths

SCRATCH = "/scratch"
"""Where each process has a small file system in memory."""
_EMPTY = "/.empty"
_SIZE = "size=1m,nr_inodes=4096,mode=0755"


def enter_root(folder: str) -> None:
    """Build the tree at an empty folder and make it the root of all files; OSError where that is refused.

    The process must have a mount namespace of its own and the right to mount. Other processes' mounts stay as they are.
    """
    os.umask(0o022)
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount("tmpfs", folder, "tmpfs", MS_NOSUID, _SIZE)
    devices = [device for device in DEVICES if os.path.exists(device)]
    for path in (*shown_paths(), *devices):
        _make_place(folder + path, os.path.isdir(path))
    _make_place(folder + SCRATCH, True)
    _make_place(folder + _EMPTY, True)
    _make_place(f"{folder}{_EMPTY}/file", False)
    _make_place(f"{folder}{_EMPTY}/folder", True)
    _make_links(folder)
    for path in shown_paths():
        mount(path, folder + path, None, MS_BIND | MS_REC)
    for path in hidden_paths():
        mount(f"{folder}{_EMPTY}/{'folder' if os.path.isdir(path) else 'file'}", folder + path, None, MS_BIND)
    limit_mounts(folder, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV)
    for path in devices:
        mount(path, folder + path, None, MS_BIND)
        limit_mounts(folder + path, ATTR_RDONLY | ATTR_NOSUID)
    enter_mount(folder)


def mount_scratch(mib: int) -> None:
    """Give the calling process's mount namespace an empty scratch folder in memory, and enter it."""
    options = f"size={mib}m,nr_inodes=256,mode=0700"
    mount("tmpfs", SCRATCH, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options)
    os.chdir(SCRATCH)


def _make_links(folder: str) -> None:
    """Make the links by which libraries and the interpreter are named."""
    import sys

    for link in (*LINKS, sys.executable):
        if os.path.islink(link) and not os.path.lexists(folder + link):
            os.makedirs(os.path.dirname(folder + link), exist_ok=True)
            os.symlink(os.path.realpath(link), folder + link)


def _make_place(path: str, is_folder: bool) -> None:
    """Make the empty folder or file that something is mounted on."""
    os.makedirs(path if is_folder else os.path.dirname(path), exist_ok=True)
    if not is_folder:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
