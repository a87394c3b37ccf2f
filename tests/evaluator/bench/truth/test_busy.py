"""Busy processes compute while they are wanted, and are never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from evaluator.bench.truth.busy import busy


def cpu_seconds(pid):
    return time.clock_gettime((~pid << 3) | 2)


def is_there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_they_compute_and_are_gone_afterwards():
    with busy(2) as pids:
        assert len(set(pids)) == 2
        while min(cpu_seconds(pid) for pid in pids) < 0.05:
            time.sleep(0.01)
    assert not any(map(is_there, pids))


def test_an_exception_ends_them_too():
    with pytest.raises(KeyboardInterrupt), busy(1) as pids:
        raise KeyboardInterrupt
    assert not is_there(pids[0])


def test_they_end_when_who_started_them_is_killed():
    code = "import time, evaluator.bench.truth.busy as b\nwith b.busy(1) as p: print(*p, flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert is_there(pid)
        owner.send_signal(signal.SIGKILL)
    while is_running(pid):
        time.sleep(0.01)


def is_running(pid):
    """Return whether a process computes: one that nobody has waited for is there, but does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
