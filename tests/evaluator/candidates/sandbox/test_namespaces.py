"""Namespaces, alone: a process is the first of its own, and sees and reaches no other."""

from __future__ import annotations

import os

import pytest

LAYER = ["namespaces"]


def test_every_process_has_the_same_id(behind):
    """An id that counts would tell how many processes there were before, and so which one this is."""
    code = "import os\nassert (os.getpid(), os.getppid()) == (1, 0)"
    assert [behind(LAYER, code) for _ in range(2)] == ["done", "done"]
    assert behind([], code) == "AssertionError"


@pytest.mark.parametrize("ask", ["os.kill({pid}, 0)", "os.getpgid({pid})", "os.sched_getaffinity({pid})"])
def test_other_processes_are_not_there(behind, ask):
    code = f"import os\n{ask.format(pid=os.getpid())}"
    assert behind([], code) == "done"
    assert behind(LAYER, code) == "ESRCH"


def test_the_user_stays_who_it_is(behind):
    assert behind(LAYER, f"import os\nassert (os.getuid(), os.getgid()) == {os.getuid(), os.getgid()}") == "done"


def test_queues_and_the_host_name_are_its_own(behind):
    code = "import ctypes\nassert ctypes.CDLL(None).msgget(4711, 0o1666) >= 0"
    assert behind([*LAYER, "capabilities"], "import socket\nsocket.sethostname('x')") == "EPERM"
    assert behind(LAYER, code) == "done"
    assert behind(LAYER, "import ctypes\nassert ctypes.CDLL(None).msgget(4711, 0) >= 0") == "AssertionError"
