"""The machine behind a number."""

from __future__ import annotations

import json
import os
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("numpy", "numba", "torch", "scipy", "pyarrow")
"""Those whose version can change a result or a time."""


@cache
def describe_machine() -> str:
    """Return processor, cores, memory and versions as JSON with sorted keys."""
    description = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
    }
    return json.dumps(description, sort_keys=True)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


@cache
def own_version() -> str:
    """Return the version of eplb-lab."""
    return version("eplb-lab")
