"""Takes from the calling process all that a candidate does not need: files, network, other processes, resources.

The layers, a file each, and each used where the kernel has it: resource limits, Landlock and seccomp here, and before
them namespaces and a root of its own (``surroundings.py``). Nothing can be taken back.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterable

from evaluator.candidates.sandbox.landlock import restrict_files
from evaluator.candidates.sandbox.libc import (
    LIBC,
    PR_CAPBSET_DROP,
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    check,
    prctl,
)
from evaluator.candidates.sandbox.limits import Limits, Sizes, limit_resources
from evaluator.candidates.sandbox.seccomp import install_filter
from evaluator.candidates.sandbox.surroundings import OWN_ROOT

BUBBLEWRAP = "bubblewrap"


def confine(limits: Limits, scratch: str, sizes: Sizes | None = None, shown: Iterable[str] | None = None) -> list[str]:
    """Confine the calling process for good and return the layers in force, by name.

    Args:
        limits: what it may use.
        scratch: an empty folder, the only place that it may write to.
        sizes: what it has of memory already; asked for where not given.
        shown: what it may read; where not given, ``shown_around_project``.

    The process must have one thread.
    """
    layers = []
    if limit_resources(limits, sizes):
        layers.append("resource limits")
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    abi = restrict_files(scratch, shown)
    if abi:
        layers.append(f"landlock {abi}")
    drop_capabilities()
    prctl(PR_SET_DUMPABLE, 0)
    prctl(PR_SET_PDEATHSIG, 9)  # last: the kernel forgets it when credentials change
    if install_filter():
        layers.append("seccomp")
    return layers


def is_enough(layers: list[str]) -> bool:
    """Return whether a stranger's program may run behind these layers: files and processes must both be closed."""
    files = any(layer in (BUBBLEWRAP, OWN_ROOT) or layer.startswith("landlock") for layer in layers)
    return "seccomp" in layers and files


def drop_capabilities() -> None:
    """Give up every capability, those of our own namespace too."""
    for capability in range(64):
        if LIBC.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) != 0:
            break
    header = struct.pack("<Ii", 0x20080522, 0)
    check(LIBC.capset(header, b"\0" * 24), "capset")
