"""A process of another one's: how its end is told, and that none but it is reached."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from evaluator.candidates.sandbox.process import Process, has_schedstat, run_and_waited, told_status


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


@pytest.mark.skipif(not has_schedstat(), reason="the kernel does not count what threads wait")
def test_waiting_for_a_core_is_counted_and_sleep_is_not():
    """Two processes on one core wait for each other; one that sleeps, or has the core to itself, waits for nobody."""
    core = {min(os.sched_getaffinity(0))}
    computes = "began = time.process_time()\nwhile time.process_time() < began + .4: pass"

    def waited(*programs):
        """Return how long each of some programs that run at the same time on one core waited for it."""
        code = "import time\nprint(flush=True); input()\n{}\nprint(flush=True); input()"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        children = [subprocess.Popen([sys.executable, "-c", code.format(one)], **pipes) for one in programs]
        seen = []
        for _ in range(2):  # after its start, then after what it does
            for child in children:
                child.stdout.readline()
            seen.append([Process(child.pid, None).waited_seconds() for child in children])
            for child in children:
                os.sched_setaffinity(child.pid, core)
                child.stdin.write(b"\n")
                child.stdin.flush()
        for child in children:
            child.communicate()
        return [after - before for before, after in zip(*seen, strict=True)]

    assert sum(waited(computes, computes)) > 0.2
    assert waited("time.sleep(.6)")[0] < 0.4


@pytest.mark.skipif(not has_schedstat(), reason="the kernel does not count what threads wait")
def test_waiting_for_a_thread_of_its_own_does_not_count():
    """The first thread yields to another that computes, on one core: it waits for it, which is its own doing."""
    code = (
        "import os, threading, time\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "def compute():\n"
        "    began = time.thread_time()\n"
        "    while time.thread_time() < began + .4: sum(range(2000))\n"
        "other = threading.Thread(target=compute)\n"
        "other.start()\n"
        "while other.is_alive(): os.sched_yield()\n"
        "print(flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        waited = run_and_waited(f"/proc/{child.pid}/schedstat")[1]
        assert Process(child.pid, None).waited_seconds() < waited - 0.3
        child.communicate(b"\n")
