"""The system calls that honest programs make, by their numbers, and what they may ask of them.

The list was found by running programs that use NumPy, torch, Numba, SciPy, pandas, threads and files in their folder.
"""

from __future__ import annotations

from dataclasses import dataclass

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""The processors whose numbers stand below, in the order of the columns, as the kernel names them to a filter."""

ITSELF = 0xFEEDC0DE
"""Stands for the process's own id, which is known only when the filter is put on."""
CHANNEL = 3
"""The descriptor that a candidate answers on. Its inode tells how many sockets there were, so nobody may look at it."""

Numbers = tuple[int | None, int | None]


@dataclass(frozen=True)
class Check:
    """What an argument must be: one of some values, or none of them.

    Attributes:
        argument: which, from 0.
        values: 32 bits each.
        mask: the bits of the argument that are looked at.
        wanted: whether it must be one of the values, or may be none of them.
        high: whether the upper half of the argument is looked at, of a pointer.
    """

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    wanted: bool = True
    high: bool = False


def _null(argument: int) -> tuple[Check, ...]:
    return Check(argument, (0,)), Check(argument, (0,), high=True)


ALLOWED: dict[str, Numbers] = {
    # files; those of the scratch folder can be written
    **{"read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67)},
    **{"pwrite64": (18, 68), "close": (3, 57), "close_range": (436, 436), "open": (2, None), "openat": (257, 56)},
    **{"stat": (4, None), "lstat": (6, None), "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439)},
    **{"readlink": (89, None), "readlinkat": (267, 78), "getdents64": (217, 61), "getcwd": (79, 17)},
    **{"chdir": (80, 49), "fchdir": (81, 50), "umask": (95, 166), "mkdir": (83, None), "mkdirat": (258, 34)},
    **{"rmdir": (84, None), "unlink": (87, None), "unlinkat": (263, 35), "rename": (82, None), "renameat": (264, 38)},
    **{"renameat2": (316, 276), "symlink": (88, None), "symlinkat": (266, 36), "link": (86, None), "linkat": (265, 37)},
    **{"truncate": (76, 45), "ftruncate": (77, 46), "fsync": (74, 82), "fdatasync": (75, 83)},
    # memory and threads
    **{"mmap": (9, 222), "munmap": (11, 215), "mremap": (25, 216), "mprotect": (10, 226), "brk": (12, 214)},
    **{"msync": (26, 227), "sched_yield": (24, 124), "rseq": (334, 293), "set_robust_list": (273, 99)},
    **{"exit": (60, 93), "exit_group": (231, 94), "getcpu": (309, 168), "restart_syscall": (219, 128)},
    # its own signals, clocks and names
    **{"rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132)},
    **{"nanosleep": (35, 101), "gettimeofday": (96, 169), "time": (201, None), "alarm": (37, None)},
    **{"setitimer": (38, 103), "getitimer": (36, 102), "poll": (7, None), "ppoll": (271, 73), "select": (23, None)},
    **{"pselect6": (270, 72), "recvfrom": (45, 207), "getrandom": (318, 278), "uname": (63, 160)},
    **{"gettid": (186, 178), "getpid": (39, 172), "getppid": (110, 173), "getuid": (102, 174), "geteuid": (107, 175)},
    **{"getgid": (104, 176), "getegid": (108, 177), "getrlimit": (97, 163)},
}
"""Allowed whatever the arguments."""

_CLOCKS = (*range(12), 0xFFFFFFFA, 0xFFFFFFFE)  # the machine's and its own, not those of other processes
_THREAD = 0x3D0F00  # what the C library asks clone for, and no more; 0x400000 is an old bit without a meaning
_NOT_THE_CHANNEL = Check(0, (CHANNEL,), wanted=False)
_OF_ITSELF = Check(0, (0, ITSELF))

CHECKED: dict[str, tuple[Numbers, tuple[Check, ...]]] = {
    "clone": ((56, 220), (Check(0, (_THREAD,), mask=0xFFFFFFFF ^ 0x400000),)),
    "kill": ((62, 129), (Check(0, (ITSELF,)),)),
    "tgkill": ((234, 131), (Check(0, (ITSELF,)),)),
    "sched_getaffinity": ((204, 123), (_OF_ITSELF,)),
    "prlimit64": ((302, 261), (_OF_ITSELF, *_null(2))),  # read, not set
    "sendto": ((44, 206), _null(4)),  # to nobody but who holds the other end
    "fstat": ((5, 80), (_NOT_THE_CHANNEL,)),
    "newfstatat": ((262, 79), (_NOT_THE_CHANNEL,)),
    "dup": ((32, 23), (_NOT_THE_CHANNEL,)),
    "dup2": ((33, None), (_NOT_THE_CHANNEL,)),
    "dup3": ((292, 24), (_NOT_THE_CHANNEL,)),
    # duplicate, and the flags of a descriptor; no locks, leases, notices or owners
    "fcntl": ((72, 25), (_NOT_THE_CHANNEL, Check(1, (0, 1, 2, 3, 4, 1030)))),
    "ioctl": ((16, 29), (_NOT_THE_CHANNEL, Check(1, (0x5401, 0x5450, 0x5451)))),  # TCGETS, FIONCLEX, FIOCLEX
    "lseek": ((8, 62), (Check(2, (0, 1, 2)),)),  # not to holes, which tell what is in the page cache
    # give memory back, and say how large its pages may be; nothing that moves or tells what others have in memory
    "madvise": ((28, 233), (Check(2, (4, 8, 14, 15, 16, 17)),)),
    "clock_gettime": ((228, 113), (Check(0, _CLOCKS),)),
    "clock_getres": ((229, 114), (Check(0, _CLOCKS),)),
    "clock_nanosleep": ((230, 115), (Check(0, _CLOCKS),)),
    "prctl": ((157, 167), (Check(0, (2, 3, 15, 16, 23)),)),  # names of threads, and reading what is in force
    "arch_prctl": ((158, None), (Check(0, (0x1021, 0x1022, 0x1023)),)),  # the registers for products of matrices
}
"""Allowed where every check holds."""

FUTEX: Numbers = (202, 98)
"""Waits and wake-ups within the process are allowed. Those by a page of a file, which processes share, wake nobody and
do not wait: they say that the value has changed, and a library that joins a thread then looks again."""

MISSING: dict[str, Numbers] = {"clone3": (435, 435), "statx": (332, 291), "openat2": (437, 437)}
"""Libraries have another way where the kernel does not know these. clone3 hides its flags in memory, statx tells how
many mounts there have been, openat2 what the kernel has in memory."""
