"""Processes that keep the machine busy, and that nothing leaves behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PROCESSES = 4
"""As many as a shared machine may well have beside a measurement."""
LOOP = """
import os, sys
parent = int(sys.argv[1])
print(flush=True)
while os.getppid() == parent:
    for _ in range(100_000):
        pass
"""
"""It ends by itself, within milliseconds, when whoever started it is gone, whatever ended that."""


@contextmanager
def busy(processes: int = PROCESSES) -> Iterator[list[int]]:
    """Keep so many processes computing meanwhile, and yield their ids once all of them are."""
    started: list[subprocess.Popen[bytes]] = []
    with contextlib.ExitStack() as stack:
        for _ in range(processes):
            command = [sys.executable, "-I", "-S", "-c", LOOP, str(os.getpid())]
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            stack.callback(_end, child)
            started.append(child)
        for child in started:
            assert child.stdout is not None
            child.stdout.readline()
        yield [child.pid for child in started]


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    if child.stdout is not None:
        child.stdout.close()
