"""A process that another one forked, perhaps in a namespace of its own: signalled, watched and pinned from here."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

CPUCLOCK_SCHED = 2
"""The clock of a process's CPU time among those that Linux numbers by process, as ``clock_getcpuclockid`` does."""


class Process:
    """A process, by a descriptor of it where the system has such, so that no other can be meant.

    Attributes:
        name: its id where it was forked.
        pid: its id here; 0 where it cannot be seen from here.
    """

    def __init__(self, name: int, descriptor: int | None) -> None:
        self.name, self._descriptor = name, descriptor
        self.pid = name if descriptor is None else _pid_here(descriptor)

    def signal(self, number: int) -> None:
        """Send it a signal; ProcessLookupError when it has ended."""
        if self._descriptor is None:
            os.kill(self.pid, number)
        else:
            signal.pidfd_send_signal(self._descriptor, number)

    def end(self) -> None:
        """Kill it and all that it started, as far as that is in its group or its namespace."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.pid > 0:  # it can be seen from here
                os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            self.signal(signal.SIGKILL)

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has used."""
        return time.clock_gettime((~self.pid << 3) | CPUCLOCK_SCHED)

    def waited_seconds(self) -> float:
        """Return how long its first thread was ready to run and had no core, less what its other threads ran.

        What they ran, the first may have waited for: on one core they hold each other up, which is the process's own
        doing. It may be below 0.

        Raises:
            OSError: the system does not tell.
        """
        ran, waited = run_and_waited(f"/proc/{self.pid}/schedstat")
        return waited - max(self.cpu_seconds() - ran, 0.0)

    def pin(self) -> None:
        """Keep it on the cores that the calling thread has, where the system can do that."""
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self.pid, os.sched_getaffinity(0))

    def close(self) -> None:
        """Let go of the descriptor."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def run_and_waited(schedstat: str = "/proc/thread-self/schedstat") -> tuple[float, float]:
    """Return how long a thread ran, and was ready to run and had no core, by its file; the calling thread's if none.

    Raises:
        OSError: the system does not tell.
    """
    with open(schedstat, "rb", buffering=0) as file:
        ran, waited = file.read().split()[:2]
    return int(ran) / 1e9, int(waited) / 1e9


def has_schedstat() -> bool:
    """Return whether the system tells how long threads wait for a core."""
    try:
        run_and_waited()
    except (OSError, ValueError):
        return False
    return True


def _pid_here(descriptor: int) -> int:
    """Return the id, in this process's namespace, of the process that a descriptor stands for."""
    lines = Path(f"/proc/self/fdinfo/{descriptor}").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))


def told_status(status: int, cpu_seconds: float, cpu_limit: float) -> str:
    """Return in words how a process ended, from its wait status and the CPU time that it used and might use."""
    if not os.WIFSIGNALED(status):
        return f"exited with {os.waitstatus_to_exitcode(status)}"
    number = os.WTERMSIG(status)
    # the kernel compares ticks with the limit, and tells exact times afterwards: up to a seventh less was seen
    if number == signal.SIGXCPU or (number == signal.SIGKILL and cpu_seconds > 0.8 * cpu_limit):
        return "it used up its CPU time"
    try:
        return f"ended by {signal.Signals(number).name}"
    except ValueError:  # the real-time signals between the first and the last have no names
        return f"ended by signal {number}"
