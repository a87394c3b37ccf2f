"""A process of another one's: how its end is told, and that none but it is reached."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from evaluator.candidates.sandbox.process import Process, told_status


@pytest.mark.parametrize(
    ("status", "seconds", "told"),
    [
        (3 << 8, 0.0, "exited with 3"),
        (signal.SIGSEGV, 0.0, "ended by SIGSEGV"),
        (signal.SIGKILL, 1.0, "ended by SIGKILL"),
        (signal.SIGKILL, 10.01, "it used up its CPU time"),
        (signal.SIGXCPU, 0.0, "it used up its CPU time"),
        (signal.SIGRTMIN + 1, 0.0, f"ended by signal {signal.SIGRTMIN + 1}"),
    ],
)
def test_every_end_has_words(status, seconds, told):
    assert told_status(int(status), seconds, 10) == told


@pytest.mark.parametrize("described", [False, True])
def test_a_process_is_stopped_continued_and_ended(described):
    if described and not hasattr(os, "pidfd_open"):
        pytest.skip("this system has no descriptors of processes")
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as child:
        process = Process(child.pid, os.pidfd_open(child.pid) if described else None)
        assert process.pid == child.pid
        process.signal(signal.SIGSTOP)
        assert os.WIFSTOPPED(os.waitpid(child.pid, os.WUNTRACED)[1])
        assert process.cpu_seconds() < 100
        process.end()
        assert child.wait() == -signal.SIGKILL
        process.end()
        process.close()
