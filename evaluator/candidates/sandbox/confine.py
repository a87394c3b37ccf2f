"""Takes from the calling process all that a candidate does not need: files, network, other processes, resources.

Four layers, each used where the kernel has it: Landlock (files, TCP, signals), seccomp (new processes, sockets, other
processes' memory and signals), namespaces (users, mounts, IPC), resource limits. Nothing can be taken back.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
import sys
from dataclasses import dataclass

_libc = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
THREADS = 64
"""Threads of a candidate at most; the kernel counts them for ordinary users, and for root memory is the limit."""


@dataclass(frozen=True)
class Limits:
    """What a candidate may use.

    Args:
        wall_seconds: for loading, and for each call; measured outside.
        total_seconds: for all that is asked of a program but its timing; measured outside.
        cpu_seconds: of its whole life.
        memory_mib: beyond what the interpreter with torch has already.
        file_mib: of a file, and of its scratch folder where that can be limited.
    """

    wall_seconds: float = 20.0
    total_seconds: float = 300.0
    cpu_seconds: int = 60
    memory_mib: int = 2048
    file_mib: int = 16


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)][:4]
    _check(_libc.prctl(option, *padded), "prctl")


def confine(limits: Limits, scratch: str) -> list[str]:
    """Confine the calling process for good and return the layers in force, by name.

    Args:
        limits: what it may use.
        scratch: an empty folder, the only place that it may write to.

    The process must have one thread.
    """
    os.setsid()
    _prctl(PR_SET_PDEATHSIG, 9)
    layers = ["resource limits"]
    if _namespaces(scratch, limits.file_mib):
        layers.append("namespaces")
    os.chdir(scratch)
    _limit(limits)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    abi = _landlock(scratch)
    if abi:
        layers.append(f"landlock {abi}")
    _drop_capabilities()
    _prctl(PR_SET_DUMPABLE, 0)
    _prctl(PR_SET_PDEATHSIG, 9)  # again: the kernel forgets it when credentials change
    if _seccomp():
        layers.append("seccomp")
    return sorted(layers)


def is_enough(layers: list[str]) -> bool:
    """Return whether a stranger's program may run behind these layers: files and processes must both be closed."""
    files = "bubblewrap" in layers or any(layer.startswith("landlock") for layer in layers)
    return "seccomp" in layers and files


# ---- namespaces ------------------------------------------------------------------------------------------------------

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER = 0x20000, 0x4000000, 0x8000000, 0x10000000
MS_REC_PRIVATE, MS_NOSUID_NODEV_NOEXEC = 0x44000, 0xE


def _namespaces(scratch: str, file_mib: int) -> bool:
    """Enter namespaces of our own, with a small file system in memory as the scratch folder."""
    uid, gid = os.getuid(), os.getgid()
    if _libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) != 0:
        return False
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    _check(_libc.mount(None, b"/", None, MS_REC_PRIVATE, None), "mount")
    read_only = struct.pack("<4Q", 1, 0, 0, 0)  # MOUNT_ATTR_RDONLY: no access time or attribute can be a message
    _libc.syscall(442, -100, b"/", 0x8000, read_only, len(read_only))  # mount_setattr, recursive
    options = f"size={file_mib}m,nr_inodes=256,mode=0700".encode()
    _libc.mount(b"tmpfs", scratch.encode(), b"tmpfs", MS_NOSUID_NODEV_NOEXEC, options)
    return True


# ---- resource limits -------------------------------------------------------------------------------------------------


def _limit(limits: Limits) -> None:
    page = resource.getpagesize()
    with open("/proc/self/statm", encoding="ascii") as file:
        sizes = [int(number) * page for number in file.read().split()]
    memory = limits.memory_mib << 20
    for what, value in (
        (resource.RLIMIT_AS, sizes[0] + memory),
        (resource.RLIMIT_DATA, sizes[5] + memory),
        (resource.RLIMIT_FSIZE, limits.file_mib << 20),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, THREADS),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (value, value))


# ---- Landlock --------------------------------------------------------------------------------------------------------

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
READ = 0b1101  # execute, read a file, read a folder
WRITE = 0b0111_1111_1110_0010  # write, truncate, make and remove everything
BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Kinds of access to files that each version of Landlock can take away."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")


def readable_paths() -> list[str]:
    """Return what a candidate may read: the interpreter, its packages, the system's libraries."""
    packages = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    paths = [sys.prefix, sys.base_prefix, *packages, "/usr", "/lib", "/lib64", "/etc/ld.so.cache", *DEVICES]
    return [path for path in dict.fromkeys(map(os.path.realpath, paths)) if os.path.exists(path) and path != "/"]


def _landlock(scratch: str) -> int:
    """Close all files but a few, TCP, and signals to others; return the version of Landlock, 0 for none."""
    abi = _libc.syscall(_CREATE_RULESET, None, 0, 1)
    if abi < 1:
        return 0
    files = BY_ABI.get(min(abi, 5), BY_ABI[5])
    attributes = struct.pack("<3Q", files, 0b11 if abi >= 4 else 0, 0b11 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = _check(_libc.syscall(_CREATE_RULESET, attributes, size, 0), "landlock_create_ruleset")
    for path in readable_paths():
        folder = os.path.isdir(path)
        access = READ if folder else 0b101
        if path in DEVICES:
            access = 0b110
        _allow(ruleset, path, access & files)
    _allow(ruleset, scratch, (READ | WRITE) & files)
    _check(_libc.syscall(_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)
    return int(abi)


def _allow(ruleset: int, path: str, access: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    rule = struct.pack("<Qi", access, parent)
    _check(_libc.syscall(_ADD_RULE, ruleset, 1, rule, 0), f"landlock_add_rule {path}")
    os.close(parent)


# ---- capabilities ----------------------------------------------------------------------------------------------------


def _drop_capabilities() -> None:
    """Give up every capability, those of our own namespace too."""
    for capability in range(64):
        if _libc.prctl(24, ctypes.c_ulong(capability), 0, 0, 0) != 0:  # PR_CAPBSET_DROP
            break
    header = struct.pack("<Ii", 0x20080522, 0)
    _check(_libc.capset(header, b"\0" * 24), "capset")


# ---- seccomp ---------------------------------------------------------------------------------------------------------

_ERRNO, _ALLOW, _KILL = 0x00050000, 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 1, 38
CLONE_THREAD = 0x10000
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# number of each call on x86_64 and aarch64; None where there is none
FORBIDDEN: dict[str, tuple[int | None, int | None]] = {
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
}
ONLY_ITSELF = {"kill": (62, 129), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240)}
"""Allowed if the first argument is the process itself."""
ONLY_ITSELF_OR_ZERO = {"prlimit64": (302, 261), "sched_setaffinity": (203, 122)}
CLONE, CLONE3, PRCTL, SENDTO = (56, 220), (435, 435), (157, 167), (44, 206)


def _seccomp() -> bool:
    """Install a filter that refuses the calls above; return whether this kernel and processor have one."""
    machine = platform.machine()
    if machine not in ARCHITECTURES or sys.byteorder != "little":
        return False
    column = list(ARCHITECTURES).index(machine)
    program = _filter(ARCHITECTURES[machine], column, os.getpid())
    code = b"".join(struct.pack("<HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("<HxxxxxxQ", len(program), ctypes.addressof(buffer))
    argument = ctypes.create_string_buffer(header, len(header))
    mode = ctypes.c_ulong(2)  # SECCOMP_MODE_FILTER
    return bool(_libc.prctl(PR_SET_SECCOMP, mode, ctypes.byref(argument), 0, 0) == 0)


Instruction = tuple[int, int, int, int]
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06


def _filter(architecture: int, column: int, pid: int) -> list[Instruction]:
    """Return the filter as classic BPF: (code, jump if true, jump if false, constant)."""
    refuse: Instruction = (_RETURN, 0, 0, _ERRNO | EPERM)
    allow: Instruction = (_RETURN, 0, 0, _ALLOW)
    number: Instruction = (_LOAD, 0, 0, 0)
    first_argument: Instruction = (_LOAD, 0, 0, 16)
    program: list[Instruction] = [
        (_LOAD, 0, 0, 4),
        (_JUMP_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        number,
        (_JUMP_AT_LEAST, 0, 1, 0x40000000),  # the x32 calls, under other numbers
        refuse,
    ]
    for numbers in FORBIDDEN.values():
        if numbers[column] is not None:
            program += [(_JUMP_EQUAL, 0, 1, numbers[column] or 0), refuse]
    program += [(_JUMP_EQUAL, 0, 1, CLONE3[column]), (_RETURN, 0, 0, _ERRNO | ENOSYS)]  # libraries fall back to clone
    program += [
        (_JUMP_EQUAL, 0, 4, CLONE[column]),
        first_argument,
        (_JUMP_BITS, 0, 1, CLONE_THREAD),
        allow,
        refuse,
    ]
    program += [
        (_JUMP_EQUAL, 0, 4, PRCTL[column]),
        first_argument,
        (_JUMP_EQUAL, 0, 1, PR_SET_PDEATHSIG),
        refuse,
        allow,
    ]
    address_low, address_high = (_LOAD, 0, 0, 48), (_LOAD, 0, 0, 52)  # to where, the fifth argument: nowhere
    program += [(_JUMP_EQUAL, 0, 6, SENDTO[column]), address_low, (_JUMP_EQUAL, 0, 3, 0), address_high]
    program += [(_JUMP_EQUAL, 0, 1, 0), allow, refuse]
    for numbers in ONLY_ITSELF.values():
        program += [(_JUMP_EQUAL, 0, 4, numbers[column]), first_argument, (_JUMP_EQUAL, 0, 1, pid), allow, refuse]
    for numbers in ONLY_ITSELF_OR_ZERO.values():
        program += [(_JUMP_EQUAL, 0, 5, numbers[column]), first_argument]
        program += [(_JUMP_EQUAL, 1, 0, pid), (_JUMP_EQUAL, 0, 1, 0), allow, refuse]
    return [*program, allow]
