"""All layers together: what they are called, what is enough, and that nothing is refused by one alone by chance."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from evaluator.candidates.sandbox.confine import is_enough

ALL = ["all"]


@pytest.mark.parametrize(
    ("layers", "enough"),
    [
        (["landlock 7", "seccomp"], True),
        (["seccomp"], False),
        (["landlock 1"], False),
        (["bubblewrap", "seccomp"], True),
        (["own root", "seccomp"], True),
        ([], False),
    ],
)
def test_files_and_processes_must_both_be_closed(layers, enough):
    assert is_enough(layers) == enough


def test_no_capability_is_left(behind):
    """None is held, and none can be gained by running a program."""
    held = """
import ctypes, struct
held = ctypes.create_string_buffer(24)
assert ctypes.CDLL(None).capget(struct.pack("<Ii", 0x20080522, 0), held) == 0
assert held.raw == bytes(24), held.raw
"""
    gained = "import ctypes\nassert [n for n in range(41) if ctypes.CDLL(None).prctl(23, n, 0, 0, 0) == 1] == []"
    assert behind(["namespaces", "capabilities"], held) == "done"
    assert behind(["namespaces"], held) == "AssertionError"
    assert behind(ALL, gained) == "done"


def test_the_process_ends_with_its_parent_and_shows_its_memory_to_nobody(behind):
    code = """
import ctypes
libc, number = ctypes.CDLL(None), ctypes.c_int()
assert libc.prctl(2, ctypes.byref(number), 0, 0, 0) == 0
assert number.value == 9
assert libc.prctl(3, 0, 0, 0, 0) == 0
"""
    assert behind(ALL, code) == "done"


@pytest.mark.parametrize(
    "write",
    [
        "open(os.path.expanduser('~/eplb-was-here'), 'w')",
        "open({home!r} + '/eplb-was-here', 'w')",
        "open('/tmp/eplb-was-here', 'w')",
        "os.mkdir('/tmp/eplb-was-here')",
        "open('../eplb-was-here', 'w')",
        "open('/dev/shm/eplb-was-here', 'w')",
    ],
)
def test_nothing_is_written_outside_the_scratch_folder(behind, scratch, write):
    home = str(Path.home())
    assert behind(ALL, f"import os\n{write.format(home=home)}") in ("EACCES", "EROFS", "ENOENT")
    for folder in (home, "/tmp", "/dev/shm", scratch.parent):
        assert not (Path(folder) / "eplb-was-here").exists()


@pytest.mark.parametrize(
    "change",
    [
        "os.chmod({path!r}, 0o777)",
        "os.utime({path!r}, (2, 2))",
        "os.setxattr({path!r}, 'user.k', b'a window')",
        "os.getxattr({path!r}, 'user.k')",
        "os.listxattr({path!r})",
        f"os.chmod({sys.executable!r}, 0o755)",
        f"os.utime({os.__file__!r})",
    ],
)
def test_attributes_carry_no_messages(behind, secret, change):
    before = os.stat(secret)
    assert behind(ALL, f"import os\n{change.format(path=str(secret))}") in ("EPERM", "EROFS")
    assert os.stat(secret) == before


@pytest.mark.parametrize(
    "start",
    [
        "os.fork()",
        "os.posix_spawn('/bin/sleep', ['sleep', '1000'], {})",
        "os.execv('/bin/true', ['true'])",
        "import subprocess\nsubprocess.Popen(['/bin/sleep', '1000'])",
        "import multiprocessing\nmultiprocessing.Process(target=print).start()",
        "os.memfd_create('x')",
        "import socket\nsocket.socket(socket.AF_INET)",
        "import socket\nsocket.socket(socket.AF_UNIX)",
        "import socket\nsocket.socketpair()",
        "os.killpg(os.getpgid(os.getppid()), 9)",
        "os.kill(os.getppid(), 9)",
        "os.kill(-1, 9)",
        "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
        "os.sched_setaffinity(os.getppid(), {0})",
        "import resource\nresource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
        "os.pidfd_open(os.getppid())",
    ],
)
def test_no_process_is_started_or_reached(behind, start):
    assert behind(ALL, f"import os\n{start}") == "EPERM"
