"""The filter of system calls, alone: what it refuses is refused by its number, before the kernel looks at arguments."""

from __future__ import annotations

import ctypes
import ctypes.util
import platform
from pathlib import Path

import numpy
import pytest

from evaluator.candidates.sandbox import calls, seccomp

LAYER = ["seccomp"]
COLUMN = list(calls.ARCHITECTURES).index(platform.machine())
CALL = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
library = os.open({library!r}, os.O_RDONLY)
libc.mmap.restype = ctypes.c_void_p
page = libc.mmap(None, ctypes.c_size_t(4096), 1, 1, library, ctypes.c_size_t(0))
zeros, ones, folder = (ctypes.create_string_buffer(content, 512) for content in (b"", b"\\xff" * 512, b"/"))
empty, full, root = map(ctypes.addressof, (zeros, ones, folder))
result = libc.syscall({number}, *[ctypes.c_ulong(n) for n in ({arguments})])
if result < 0:
    raise OSError(ctypes.get_errno(), "refused")
"""
LIBRARY = numpy.__file__
"""A file that all programs may read."""

# number of each call on x86_64 and aarch64; None where there is none
REFUSED = {
    **{"fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281)},
    **{"socket": (41, 198), "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271)},
    **{"memfd_create": (319, 279), "memfd_secret": (447, 447), "unshare": (272, 97), "setns": (308, 268)},
    **{"mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "bpf": (321, 280)},
    **{"perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425)},
    **{"keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218), "personality": (135, 92)},
    **{"shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180)},
    **{"setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setscheduler": (144, 119)},
    **{"sched_setparam": (142, 118), "sched_setattr": (314, 274), "pidfd_open": (434, 434)},
    **{"pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "open_by_handle_at": (304, 265)},
    **{"move_pages": (279, 239), "migrate_pages": (256, 238), "process_madvise": (440, 440), "kcmp": (312, 272)},
    **{"tkill": (200, 130), "capset": (126, 91), "fsopen": (430, 430), "open_tree": (428, 428)},
    **{"move_mount": (429, 429), "mount_setattr": (442, 442), "statmount": (457, 457)},
    **{"socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "accept": (43, 202)},
    **{"accept4": (288, 242), "sendmsg": (46, 211), "sendmmsg": (307, 269), "recvmsg": (47, 212)},
    **{"chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452)},
    **{"chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54)},
    **{"utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88)},
    **{"setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463)},
    **{"getxattr": (191, 8), "lgetxattr": (192, 9), "fgetxattr": (193, 10), "getxattrat": (464, 464)},
    **{"listxattr": (194, 11), "llistxattr": (195, 12), "flistxattr": (196, 13), "listxattrat": (465, 465)},
    **{"removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "removexattrat": (466, 466)},
    **{"flock": (73, 32), "inotify_init": (253, None), "inotify_init1": (294, 26), "fanotify_init": (300, 262)},
    # what tells or changes what the machine has in memory, and where a process runs
    **{"mincore": (27, 232), "fadvise64": (221, 223), "preadv2": (327, 286), "pwritev2": (328, 287)},
    **{"readahead": (187, 213), "sync_file_range": (277, 84), "cachestat": (451, 451), "mlock": (149, 228)},
    **{"sched_setaffinity": (203, 122), "setrlimit": (160, 164), "get_mempolicy": (239, 236)},
    # counters that processes share
    **{"sysinfo": (99, 179), "getrusage": (98, 165), "times": (100, 153), "statfs": (137, 43), "fstatfs": (138, 44)},
    **{"pipe2": (293, 59), "eventfd2": (290, 19), "epoll_create1": (291, 20), "timer_create": (222, 107)},
    **{"getsockname": (51, 204), "getsockopt": (55, 209), "name_to_handle_at": (303, 264), "listmount": (458, 458)},
    # the ways back out
    **{"seccomp": (317, 277), "set_tid_address": (218, 96), "rt_sigqueueinfo": (129, 138)},
    **{"rt_tgsigqueueinfo": (297, 240), "setsid": (112, 157), "setresuid": (117, 147), "splice": (275, 76)},
    **{"copy_file_range": (326, 285), "sendfile": (40, 71), "futex_wake": (454, 454), "futex_wait": (455, 455)},
}


def number(name):
    """Return the number of a call that is allowed, checked or refused."""
    checked = {name: numbers for name, (numbers, _) in calls.CHECKED.items()}
    return {**calls.ALLOWED, **checked, **calls.MISSING, **REFUSED, "futex": calls.FUTEX}[name][COLUMN]


def syscall(name, *arguments):
    """Return code that makes a system call with six arguments, written as Python; ``page`` is one of a library."""
    six = ", ".join([*map(str, arguments), "0", "0", "0", "0", "0", "0"][:6])
    return CALL.format(library=LIBRARY, number=number(name), arguments=six)


@pytest.mark.parametrize("name", [name for name, numbers in REFUSED.items() if numbers[COLUMN] is not None])
def test_a_call_that_is_not_listed_is_refused(behind, name):
    assert behind(LAYER, syscall(name)) == "EPERM"


@pytest.mark.parametrize("name", calls.MISSING)
def test_a_call_that_libraries_do_without_is_not_there(behind, name):
    assert behind(LAYER, syscall(name)) == "ENOSYS"


# ---- what programs could tell each other -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("mincore", ("page", 4096, "empty")),
        ("fadvise64", ("library", 0, 0, 4)),
        ("readahead", ("library", 0, 4096)),
        ("madvise", ("page", 4096, 3)),
        ("madvise", ("page", 4096, 20)),
        ("lseek", ("library", 0, 4)),
        ("flock", ("library", 1)),
        ("fcntl", ("library", 6, "empty")),
        ("fcntl", ("library", 5, "empty")),
        ("fcntl", ("library", 37, "empty")),
        ("fcntl", ("library", 1025)),
        ("futex", ("page", 1, 1)),
        ("sysinfo", ("empty",)),
        ("getrusage", (0, "empty")),
        ("statfs", ("root", "empty")),
        ("fstat", (calls.CHANNEL, "empty")),
        ("dup", (calls.CHANNEL,)),
        ("sched_setaffinity", (0, 8, "full")),
        ("prctl", (1, 0)),
        (
            "clock_gettime",
            ("(~os.getppid() << 3 | 2) & 0xFFFFFFFF", "empty"),
        ),
    ],
)
def test_what_works_without_the_filter_is_refused_with_it(behind, name, arguments):
    """Locks, the page cache, wake-ups by a library's page, counters, cores and clocks of others."""
    code = syscall(name, *arguments)
    assert behind([], code) in ("done", "EFAULT"), "it works for who is not confined"
    assert behind(LAYER, code) == "EPERM"


def test_reading_only_what_is_in_memory_is_refused(behind):
    code = f"import os\nos.preadv(os.open({LIBRARY!r}, os.O_RDONLY), [bytearray(1)], 0, os.RWF_NOWAIT)"
    assert behind([], code) in ("done", "EAGAIN")
    assert behind(LAYER, code) == "EPERM"


def test_nobody_waits_for_a_wake_up_by_a_page_that_processes_share(behind):
    """The end of a thread wakes who waits so, in whichever process. A library that joins a thread looks again."""
    value = int.from_bytes(Path(LIBRARY).read_bytes()[:4], "little")
    wait = syscall("futex", "page", 0, value, "empty")
    assert behind([], wait) == "ETIMEDOUT"
    assert behind(LAYER, wait) == "EAGAIN"
    assert behind(LAYER, syscall("futex", "page", 128, value, "empty")) == ("ETIMEDOUT")
    join = """
import ctypes
libc, thread = ctypes.CDLL(None), ctypes.c_ulong()
routine = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(lambda _: libc.usleep(1000) and None)
assert libc.pthread_create(ctypes.byref(thread), None, routine, None) == 0
assert libc.pthread_join(thread, None) == 0
"""
    assert behind(LAYER, join) == "done"


# ---- other processes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("kill", ("os.getppid()",)),
        ("kill", ("-1",)),
        ("kill", ("0",)),
        ("tgkill", ("os.getppid()", "os.getppid()")),
        ("prlimit64", ("os.getppid()",)),
        ("prlimit64", ("0", "7", "page")),
        ("sched_getaffinity", ("os.getppid()",)),
        ("sendto", (calls.CHANNEL, 0, 0, 0, 1)),
        ("sendto", (calls.CHANNEL, 0, 0, 0, "1 << 40")),
        ("clone", (17,)),
        ("clone", (0x3D0F00 | 1 << 28,)),
        ("clone", (0x3D0F00 ^ 0x10000,)),
        ("ioctl", (calls.CHANNEL, 0x541B)),
        ("prctl", (4, 1)),
        ("prctl", (22, 2)),
    ],
)
def test_a_call_with_other_arguments_is_refused(behind, name, arguments):
    assert behind(LAYER, syscall(name, *arguments)) == "EPERM"


def test_answers_go_to_who_holds_the_other_end(behind):
    assert behind(LAYER, syscall("sendto", 99, 0, 0, 0, 0)) == "EBADF"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="this processor has no second set of numbers")
def test_calls_under_the_numbers_of_x32_are_refused(behind):
    code = CALL.format(library=LIBRARY, number=0x40000000 + 39, arguments="0, 0, 0, 0, 0, 0")
    assert behind(LAYER, code) == "EPERM"


# ---- what programs need ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.kill(os.getpid(), 0)",
        "import os\nos.sched_getaffinity(0)",
        "import os, resource\nresource.prlimit(os.getpid(), resource.RLIMIT_CPU)",
        "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()",
        "import mmap\nmmap.mmap(-1, 1 << 16)",
        "import os\nopen('a', 'w').write('x')\nos.rename('a', 'b')\nos.truncate('b', 0)\nos.unlink('b')",
        "import tempfile, logging\nlogging.FileHandler('log').emit(logging.makeLogRecord({}))\ntempfile.mkdtemp()",
        "import time\ntime.sleep(0.001)\ntime.process_time()\ntime.thread_time()\ntime.monotonic()",
        "import random, secrets, uuid\nsecrets.token_bytes(8)\nuuid.uuid4()",
        "import concurrent.futures as c\nwith c.ThreadPoolExecutor(2) as pool: list(pool.map(abs, [1, 2]))",
        "import platform\nplatform.platform()",
        "import numpy as np\nnp.linalg.svd(np.random.default_rng(0).random((64, 64)))",
        "import numpy as np\nnp.save('a', np.ones(9))\nnp.load('a.npy', mmap_mode='r')",
        "import shutil\nopen('a', 'w').write('x')\nshutil.copyfile('a', 'b')",
    ],
)
def test_what_a_program_needs_is_allowed(behind, code):
    assert behind(LAYER, code) == "done"


# ---- the filter itself -----------------------------------------------------------------------------------------------


def run(program, architecture, call, arguments=(0,) * 6):
    """Return what a filter makes of a call, as the kernel would run it."""
    words = [call, architecture, 0, 0]
    for argument in arguments:
        words += [argument & 0xFFFFFFFF, argument >> 32]
    at, kept = 0, 0
    while True:
        code, yes, no, constant = program[at]
        at += 1
        match code:
            case 0x20:
                kept = words[constant // 4]
            case 0x54:
                kept &= constant
            case 0x05:
                at += constant
            case 0x15:
                at += yes if kept == constant else no
            case 0x35:
                at += yes if kept >= constant else no
            case 0x45:
                at += yes if kept & constant else no
            case 0x06:
                return constant
            case _:
                raise AssertionError(code)


@pytest.mark.parametrize("machine", calls.ARCHITECTURES)
def test_the_filter_allows_what_is_listed_on_both_processors(machine):
    """Run call by call: each number that is listed, each that is not, and another processor's."""
    architecture, column = calls.ARCHITECTURES[machine], list(calls.ARCHITECTURES).index(machine)
    program = seccomp.make_filter(machine)
    assert len(program) < 4096
    free = {numbers[column] for numbers in calls.ALLOWED.values()} - {None}
    checked = {numbers[column] for numbers, _ in calls.CHECKED.values()} | {calls.FUTEX[column]}
    missing = {numbers[column] for numbers in calls.MISSING.values()}
    for call in (*range(600), 0x40000000, 0x40000001, 0xFFFFFFFF):
        said = run(program, architecture, call, ((1 << 64) - 1,) * 6)
        if call in free:
            assert said == 0x7FFF0000, call
        elif call in missing:
            assert said == 0x00050000 | 38
        elif call not in checked:
            assert said == 0x00050000 | 1, call
    assert run(program, 0x40000003, 1) == 0x80000000


@pytest.mark.parametrize("machine", calls.ARCHITECTURES)
def test_the_numbers_are_those_of_libseccomp(machine):
    found = ctypes.util.find_library("seccomp")
    if found is None:
        pytest.skip("libseccomp is not installed")
    resolve = ctypes.CDLL(found).seccomp_syscall_resolve_name_arch
    column = list(calls.ARCHITECTURES).index(machine)
    tables = {**calls.ALLOWED, **calls.MISSING, **REFUSED, "futex": calls.FUTEX}
    tables |= {name: numbers for name, (numbers, _) in calls.CHECKED.items()}
    known = {name: resolve(calls.ARCHITECTURES[machine], name.encode()) for name in tables}
    for name, numbers in tables.items():
        if known[name] != -1:  # newer than the library
            assert (numbers[column] if numbers[column] is not None else -1) == max(known[name], -1) or (
                numbers[column] is None and known[name] < 0
            ), name
