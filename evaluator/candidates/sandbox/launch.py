"""What the zygote is started with: what it may see of the machine, and what it knows of its surroundings."""

from __future__ import annotations

import sys
from pathlib import Path

from evaluator.candidates.sandbox.landlock import DEVICES, readable_paths


def zygote_command(descriptor: int, *, isolated: bool) -> list[str]:
    """Return the command that listens on a socket, and whether its children are to be confined."""
    mode = "isolated" if isolated else "open"
    return [sys.executable, "-I", "-m", "evaluator.candidates.sandbox.zygote", str(descriptor), mode]


def bubblewrap_command() -> list[str]:
    """Return the words before a command that show it no files but what candidates may read, and no network.

    ``FOLDER`` stands for the folder that it may write to.
    """
    package = str(Path(__file__).parents[2])
    shown = [path for path in (*readable_paths(), package) if path not in DEVICES]
    words = ["bwrap", "--unshare-user", "--unshare-ipc", "--unshare-net", "--unshare-uts", "--die-with-parent"]
    words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    for path in shown:
        words += ["--ro-bind", path, path]
    for link in ("/lib", "/lib64"):
        if Path(link).is_symlink():
            words += ["--symlink", str(Path(link).readlink()), link]
    return [*words, "--bind", "FOLDER", "FOLDER", "--"]


def scrubbed_environment(home: str) -> dict[str, str]:
    """Return all that a candidate's process knows of its surroundings: no keys, no paths, one thread."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
