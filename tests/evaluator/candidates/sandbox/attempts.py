"""Tries calls behind layers of confinement, each in a fork of one small process that has one thread.

A request is a line of JSON on stdin: the ``layers`` to put on, the ``code`` to run behind them, and the folder
``scratch``. The answer is a line: ``done``, the name of an error's number or of its type, or of the signal that ended
the process.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import threading  # noqa: F401 - who is nobody may not be able to read it

from evaluator.candidates.sandbox.calls import CHANNEL
from evaluator.candidates.sandbox.confine import confine, drop_capabilities
from evaluator.candidates.sandbox.landlock import restrict_files
from evaluator.candidates.sandbox.libc import CLONE_NEWNS, PR_SET_NO_NEW_PRIVS, prctl
from evaluator.candidates.sandbox.limits import Limits, limit_resources
from evaluator.candidates.sandbox.namespaces import Forks, ProcFolder, become_first, become_nobody, enter_namespaces
from evaluator.candidates.sandbox.root import enter_root, mount_scratch
from evaluator.candidates.sandbox.seccomp import install_filter
from evaluator.candidates.sandbox.surroundings import of_its_own

LIMITS = Limits(cpu_seconds=1, memory_mib=64, file_mib=1)
ANSWER = 100
"""The descriptor that the answer is written to, out of the way of those that a candidate has."""
MISSING = "missing"
"""The answer where the kernel does not have the layer."""


def put_on(layer: str, scratch: str) -> bool:
    """Put a layer on the calling process, or on a child that goes on; return whether the kernel has it."""
    match layer:
        case "resource limits":
            limit_resources(LIMITS)
        case "namespaces":
            proc = ProcFolder()
            become_first(proc)
            go_on(Forks(proc).fork())
            enter_namespaces(proc, CLONE_NEWNS)
            os.close(proc.descriptor)
        case "own root":
            enter_namespaces(ProcFolder(), CLONE_NEWNS)
            enter_root(scratch)
            mount_scratch(LIMITS.file_mib)
        case "unprivileged user":
            become_nobody()
        case "landlock":
            prctl(PR_SET_NO_NEW_PRIVS, 1)
            return bool(restrict_files(scratch))
        case "capabilities":
            drop_capabilities()
        case "seccomp":
            prctl(PR_SET_NO_NEW_PRIVS, 1)
            return install_filter()
        case "all":
            proc = ProcFolder()
            become_first(proc)
            around = of_its_own(scratch, [os.__file__], proc)
            go_on(around.fork())
            folder = around.enter(LIMITS, scratch)
            os.close(proc.descriptor)
            confine(LIMITS, folder, around.sizes, around.shown)
        case _:
            raise ValueError(layer)
    return True


def go_on(child: int) -> None:
    """Go on as the child; the parent waits for it and ends as it does."""
    if child != 0:
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            os.write(ANSWER, signal.Signals(os.WTERMSIG(status)).name.encode())
        os._exit(0)


def outcome(layers: list[str], code: str, scratch: str) -> str:
    """Return what comes of running code behind layers, in this process."""
    os.chdir(scratch)
    try:
        if not all(put_on(layer, scratch) for layer in layers):
            return MISSING
    except PermissionError:
        return MISSING
    try:
        exec(code, {"__name__": "attempt"})
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    except BaseException as error:
        return type(error).__name__
    return "done"


def attempt(layers: list[str], code: str, scratch: str) -> str:
    """Return what comes of running code behind layers, in a process of its own."""
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(readable)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(writable, ANSWER)
        for descriptor in (0, 1, CHANNEL):
            os.dup2(null, descriptor)
        os.write(ANSWER, outcome(layers, code, scratch).encode())
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as file:
        said = file.read().decode()
    status = os.waitpid(pid, 0)[1]
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else said


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(f"{attempt(**json.loads(line))}\n")
        sys.stdout.flush()
