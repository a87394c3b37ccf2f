"""The filter of system calls, alone: what it refuses is refused by its number, before the kernel looks at arguments."""

from __future__ import annotations

import platform

import pytest

from evaluator.candidates.sandbox import seccomp

COLUMN = list(seccomp.ARCHITECTURES).index(platform.machine())
CALL = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
result = libc.syscall({number}, *[ctypes.c_ulong(n) for n in ({arguments})])
if result < 0:
    raise OSError(ctypes.get_errno(), "refused")
"""


def syscall(number, *arguments):
    """Return code that makes a system call with six arguments, written as Python."""
    return CALL.format(number=number, arguments=", ".join([*map(str, arguments), "0", "0", "0", "0", "0", "0"][:6]))


@pytest.mark.parametrize("name", [name for name, numbers in seccomp.FORBIDDEN.items() if numbers[COLUMN] is not None])
def test_a_forbidden_call_is_refused(behind, name):
    assert behind(["seccomp"], syscall(seccomp.FORBIDDEN[name][COLUMN])) == "EPERM"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *((name, ("os.getppid()",)) for name in (*seccomp.ONLY_ITSELF, *seccomp.ONLY_ITSELF_OR_ZERO)),
        ("kill", ("-1",)),
        ("kill", ("0",)),
    ],
)
def test_a_call_that_reaches_another_process_is_refused(behind, name, arguments):
    number = {**seccomp.ONLY_ITSELF, **seccomp.ONLY_ITSELF_OR_ZERO}[name][COLUMN]
    assert behind(["seccomp"], syscall(number, *arguments)) == "EPERM"


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.kill(os.getpid(), 0)",
        "import os\nos.sched_setaffinity(0, os.sched_getaffinity(0))",
        "import os, resource\nresource.prlimit(os.getpid(), resource.RLIMIT_CPU)",
        "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()",
        "import mmap\nmmap.mmap(-1, 1 << 16)",
        "open('note', 'w').write('x')",
    ],
)
def test_what_a_program_needs_is_allowed(behind, code):
    assert behind(["seccomp"], code) == "done"


def test_a_fork_by_any_other_name_is_refused(behind):
    """A library that tries clone3 is told that there is none; clone makes threads and nothing else."""
    assert behind(["seccomp"], syscall(seccomp.CLONE3[COLUMN])) == "ENOSYS"
    assert behind(["seccomp"], syscall(seccomp.CLONE[COLUMN], 17)) == "EPERM"


def test_a_process_may_not_ask_to_outlive_its_parent(behind):
    assert behind(["seccomp"], "import ctypes\nassert ctypes.CDLL(None).prctl(1, 0, 0, 0, 0) == -1") == "done"
    assert behind(["seccomp"], "import ctypes\nassert ctypes.CDLL(None).prctl(16, b'x', 0, 0, 0) == -1") != "done"


def test_nothing_is_sent_to_an_address(behind):
    """The one socket that a process has may answer, and write to nobody else."""
    number = seccomp.SENDTO[COLUMN]
    assert behind(["seccomp"], syscall(number, 3, 0, 0, 0, 1)) == "EPERM"
    assert behind(["seccomp"], syscall(number, 3, 0, 0, 0, "1 << 40")) == "EPERM"
    assert behind(["seccomp"], syscall(number, 99, 0, 0, 0, 0)) == "EBADF"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="this processor has no second set of numbers")
def test_calls_under_the_numbers_of_x32_are_refused(behind):
    assert behind(["seccomp"], syscall(0x40000000 + 39)) == "EPERM"


def test_the_filter_is_made_for_both_processors():
    """The same calls are refused on x86_64 and aarch64, under their numbers."""
    for column, architecture in enumerate(seccomp.ARCHITECTURES.values()):
        program = seccomp.make_filter(architecture, column, 4711)
        assert len(program) < 4096
        compared = {k for code, _, _, k in program if code == 0x15}
        numbers = {n[column] for n in seccomp.FORBIDDEN.values() if n[column] is not None}
        assert numbers | {4711, architecture} <= compared
        for at, (code, yes, no, _) in enumerate(program):
            if code in (0x15, 0x35, 0x45):
                assert at + 1 + max(yes, no) < len(program), "a jump leads out of the filter"
