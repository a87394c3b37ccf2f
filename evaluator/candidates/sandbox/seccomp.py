"""The layer of seccomp: a filter of system calls.

It refuses new processes, sockets, other processes' memory and signals, attributes of files, and kernel interfaces.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

from evaluator.candidates.sandbox.libc import LIBC, PR_SET_PDEATHSIG, PR_SET_SECCOMP

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


def install_filter() -> bool:
    """Refuse the calls above; return whether this kernel and processor have filters.

    The process must have given up new privileges.
    """
    machine = platform.machine()
    if machine not in ARCHITECTURES or sys.byteorder != "little":
        return False
    column = list(ARCHITECTURES).index(machine)
    program = make_filter(ARCHITECTURES[machine], column, os.getpid())
    code = b"".join(struct.pack("<HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("<HxxxxxxQ", len(program), ctypes.addressof(buffer))
    argument = ctypes.create_string_buffer(header, len(header))
    mode = ctypes.c_ulong(2)  # SECCOMP_MODE_FILTER
    return bool(LIBC.prctl(PR_SET_SECCOMP, mode, ctypes.byref(argument), 0, 0) == 0)


Instruction = tuple[int, int, int, int]
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06


def make_filter(architecture: int, column: int, pid: int) -> list[Instruction]:
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
