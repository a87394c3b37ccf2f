"""The limits of resources, alone: memory, CPU time, files and threads come to an end."""

from __future__ import annotations

import os

import pytest

LAYER = ["resource limits"]


@pytest.mark.parametrize(
    ("hog", "end"),
    [
        ("kept = []\nwhile True: kept.append(bytearray(1 << 24))", "MemoryError"),
        ("import mmap\nkept = []\nwhile True: kept.append(mmap.mmap(-1, 1 << 24))", "ENOMEM"),
        ("with open('one', 'wb') as file:\n    while True: file.write(b'0' * (1 << 16))", "EFBIG"),
        ("import os\nkept = []\nwhile True: kept.append(os.open('.', os.O_RDONLY))", "EMFILE"),
        ("import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass", "SIGKILL"),
    ],
)
def test_what_is_used_up_is_refused(behind, hog, end):
    assert behind(LAYER, hog) == end


def test_cpu_time_is_that_of_all_threads(behind):
    burn = "import threading\ndef burn():\n    while True: pass\nthreading.Thread(target=burn).start()\nburn()"
    assert behind(LAYER, burn) == "SIGKILL"


def test_limits_cannot_be_raised_again(behind):
    raised = "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (99, 99))"
    assert behind([*LAYER, "capabilities"], raised) == "ValueError"
    assert behind([*LAYER, "capabilities"], "import resource\nresource.setrlimit(resource.RLIMIT_CORE, (1, 1))") == (
        "ValueError"
    )


START = """
import threading, time
threading.stack_size(1 << 16)  # so small that memory is not what ends first
for _ in range(100):
    threading.Thread(target=time.sleep, args=(9,)).start()
"""


@pytest.mark.skipif(os.getuid() == 0, reason="the kernel does not count root's threads")
def test_threads_are_counted(behind):
    assert behind(LAYER, START) == "RuntimeError"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_threads_are_counted_where_the_judge_is_root(behind):
    """The limit binds because a candidate is not root: as root, it starts them all."""
    assert behind(LAYER, f"{START}\nimport os\nos._exit(0)") == ""
    assert behind([*LAYER, "unprivileged user"], START) == "RuntimeError"
