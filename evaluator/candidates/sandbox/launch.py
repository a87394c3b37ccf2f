"""What the zygote is started with: what it may see of the machine, and what it knows of its surroundings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from evaluator.candidates.sandbox.visible import LINKS, PROJECT, shown_paths

ROOTED, CONFINED, OPEN = "rooted", "confined", "open"
"""What children are forked into: namespaces and a root of their own; the machine as it is, confined; or as they are."""


def zygote_command(descriptor: int, mode: str) -> list[str]:
    """Return the command that listens on a socket, with what its children are forked into."""
    return [sys.executable, "-I", "-m", "evaluator.candidates.sandbox.zygote", str(descriptor), mode]


def bubblewrap_command() -> list[str]:
    """Return the words before a command that show it no files but what candidates may read, and no network.

    ``FOLDER`` stands for the folder that it may write to. Of this project it sees what the zygote itself imports.
    """
    words = ["bwrap", "--unshare-user", "--unshare-ipc", "--unshare-net", "--unshare-uts", "--die-with-parent"]
    words += ["--proc", "/proc", "--dev", "/dev"]
    for shown in shown_paths():
        words += ["--ro-bind", shown, shown]
    package = Path(__file__).resolve().parents[2]
    for name in PROJECT:
        words += ["--tmpfs", str(package.with_name(name))]
    for path in _imported():
        words += ["--ro-bind", path, path]
    for loader in (*Path("/lib64").glob("ld-*"), *Path("/lib").glob("ld-*")):
        words += ["--ro-bind", os.path.realpath(loader), os.path.join(os.path.realpath(loader.parent), loader.name)]
    words += _environment()
    for link in filter(os.path.islink, LINKS):
        words += ["--symlink", os.readlink(link), link]
    return [*words, "--bind", "FOLDER", "FOLDER", "--"]


def _imported() -> list[str]:
    """Return the files of this project that the zygote imports; none of them holds data."""
    tell = f"""
import sys, evaluator.candidates.sandbox.zygote
for name, module in list(sys.modules.items()):
    if name.partition(".")[0] in {PROJECT}:
        print(module.__file__)
"""
    command = [sys.executable, "-I", "-c", tell]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[:-1]


def _environment() -> list[str]:
    """Return the words that show the interpreter of a virtual environment, by the links that lead to it."""
    words, link = [], Path(sys.executable)
    while link.is_symlink():
        words += ["--symlink", str(link.readlink()), str(link)]
        link = link.parent / link.readlink()
    settings = Path(sys.prefix, "pyvenv.cfg")
    return [*words, "--ro-bind", str(settings), str(settings)] if settings.exists() else words


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
