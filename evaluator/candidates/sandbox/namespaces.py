"""The layer of namespaces: users, mounts, processes, IPC and host name of their own.

The process that candidates are forked from has its own, and each candidate is the first and only process of a further
one: it has the id 1 and sees no other. It has users of its own too, so that no two candidates' threads are counted
together.
"""

from __future__ import annotations

import os

from evaluator.candidates.sandbox.libc import (
    CLONE_NEWIPC,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    PR_SET_DUMPABLE,
    PR_SET_PDEATHSIG,
    prctl,
    setns,
    unshare,
)

NOBODY = 65534
"""The user and group that owns nothing, as which candidates run where the judge is root."""


class ProcFolder:
    """The folder ``/proc``, held open for a process that cannot see it any more.

    Attributes:
        descriptor: of the folder.
    """

    def __init__(self) -> None:
        self.descriptor = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def write(self, name: str, text: str) -> None:
        """Write to a file of the calling process."""
        file = os.open(f"self/{name}", os.O_WRONLY | os.O_CLOEXEC, dir_fd=self.descriptor)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)


def become_nobody() -> None:
    """Go from root to a user who owns nothing."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    prctl(PR_SET_DUMPABLE, 1)  # or what it must write in /proc is root's


def enter_namespaces(proc: ProcFolder, others: int) -> None:
    """Enter a namespace of users, in which the process is who it was, and others; OSError where the kernel refuses."""
    uid, gid = os.getuid(), os.getgid()
    unshare(CLONE_NEWUSER | others)
    proc.write("setgroups", "deny")
    proc.write("uid_map", f"{uid} {uid} 1")
    proc.write("gid_map", f"{gid} {gid} 1")


def become_first(proc: ProcFolder) -> None:
    """Go on as the first process of new namespaces: when it ends, the kernel ends all that it started.

    The calling process waits for it, and neither is without the other.

    Raises:
        OSError: the kernel gives no such namespaces.
    """
    wanted = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS
    try:
        unshare(wanted)
    except OSError:  # only root may do that without a namespace of users
        enter_namespaces(proc, wanted)
    first = os.fork()
    if first != 0:
        os.closerange(0, 4096)  # who waits for the first process to close a socket must not wait for this one
        os.waitpid(first, 0)
        os._exit(0)
    prctl(PR_SET_PDEATHSIG, 9)


class Forks:
    """Forks children, each the first process of a namespace of its own, from the first process of another."""

    def __init__(self, proc: ProcFolder) -> None:
        self._own = os.open("self/ns/pid", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc.descriptor)

    def fork(self) -> int:
        """Do as ``os.fork`` does; OSError where there are no more processes, namespaces or memory."""
        unshare(CLONE_NEWPID)
        try:
            child = os.fork()
        except OSError:
            setns(self._own, CLONE_NEWPID)
            raise
        if child != 0:
            setns(self._own, CLONE_NEWPID)
        return child
