"""Where candidates are forked: among namespaces and files of their own, or on the machine as it is."""

from __future__ import annotations

import os
from dataclasses import dataclass

from evaluator.candidates.sandbox.libc import CLONE_NEWNS
from evaluator.candidates.sandbox.limits import Limits, Sizes, own_sizes
from evaluator.candidates.sandbox.namespaces import (
    NOBODY,
    Forks,
    ProcFolder,
    become_nobody,
    enter_namespaces,
)
from evaluator.candidates.sandbox.root import SCRATCH, enter_root, mount_scratch
from evaluator.candidates.sandbox.visible import shown_around_project, shown_paths

NAMESPACES, OWN_ROOT, NOBODYS = "namespaces", "own root", "unprivileged user"
"""Names of the layers that are put on before a candidate is forked."""


@dataclass
class Surroundings:
    """What a candidate's process finds when it is forked.

    Attributes:
        layers: those that hold for all candidates.
        sizes: what a process has of memory when it is forked.
        shown: the folders and files that candidates may read.
        as_nobody: whether candidates give up being root themselves.
        proc: ``/proc`` where there are namespaces of their own.
        forks: what forks into them.
    """

    layers: list[str]
    sizes: Sizes
    shown: tuple[str, ...]
    as_nobody: bool = False
    proc: ProcFolder | None = None
    forks: Forks | None = None

    def fork(self) -> int:
        """Do as ``os.fork`` does; OSError where there are no more processes or memory."""
        return os.fork() if self.forks is None else self.forks.fork()

    def enter(self, limits: Limits, scratch: str) -> str:
        """Make the surroundings of this process, forked just now, its own; return the folder that it may write to."""
        os.setsid()
        if self.as_nobody and self.proc is None:
            os.chown(scratch, NOBODY, NOBODY)
            os.chmod(os.path.dirname(scratch), 0o711)
        if self.as_nobody:
            become_nobody()
        if self.proc is not None:
            enter_namespaces(self.proc, CLONE_NEWNS)
            mount_scratch(limits.file_mib)
            return SCRATCH
        os.chdir(scratch)
        return scratch


def as_it_is(needed: list[str]) -> Surroundings:
    """Return the surroundings on a machine that gives no namespaces.

    Args:
        needed: files that every candidate must be able to read.
    """
    nobody = _can_be_nobody(needed)
    return Surroundings([NOBODYS] * nobody, own_sizes(), tuple(shown_around_project()), nobody)


def of_its_own(folder: str, needed: list[str], proc: ProcFolder) -> Surroundings:
    """Put the calling process, the first of its namespaces, before a root of its own.

    Args:
        folder: an empty one.
        needed: files that every candidate must be able to read.
        proc: where processes are.

    Raises:
        OSError: the kernel refuses, and the process is of no use any more.
    """
    sizes = own_sizes()
    enter_root(folder)  # what only root may enter is mounted before root is given up
    nobody = _can_be_nobody(needed)
    layers = [NAMESPACES, OWN_ROOT, *[NOBODYS] * nobody]
    return Surroundings(layers, sizes, shown_paths(), nobody, proc, Forks(proc))


def _can_be_nobody(needed: list[str]) -> bool:
    """Return whether a child could give up being root and still read what every candidate must be able to read."""
    if os.getuid() != 0:
        return False
    child = os.fork()
    if child == 0:
        try:
            become_nobody()
            for path in needed:
                os.close(os.open(path, os.O_RDONLY))
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0
