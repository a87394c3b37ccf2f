"""What a candidate may read of the machine's files: the interpreter, its packages and shared libraries, four devices.

This project is not part of it, although it is one of the packages: its seed, its recordings and its verdicts are what
programs are judged by.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from importlib import metadata
from pathlib import Path

DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
CACHE = "/etc/ld.so.cache"
LINKS = ("/lib", "/lib32", "/lib64")
"""Folders that are links on most systems, and that names of libraries go through."""
PROJECT, DISTRIBUTION = ("evaluator", "eplb_variants"), "eplb-lab"


@lru_cache(maxsize=1)
def shown_paths() -> tuple[str, ...]:
    """Return the folders and files that candidates may read, without links, none of which lies in another."""
    stdlib = [sysconfig.get_path("stdlib"), *(path for path in sys.path if path.endswith("lib-dynload"))]
    wanted = [*stdlib, *packages(), *_library_folders(), *_beside_interpreter(), CACHE]
    found = sorted({os.path.realpath(path) for path in wanted if os.path.exists(path)} - {"/"})
    return tuple(path for path in found if not any(path != other and _is_in(path, other) for other in found))


@lru_cache(maxsize=1)
def hidden_paths() -> tuple[str, ...]:
    """Return what lies within the shown folders and must not be seen: this project, and packages of another prefix."""
    ours = {os.path.join(os.path.realpath(folder), name) for folder in packages() for name in _names_of_project()}
    ours |= {str(Path(__file__).resolve().parents[2].with_name(name)) for name in PROJECT}
    others = {os.path.join(os.path.realpath(sysconfig.get_path("stdlib")), "site-packages")}
    others -= {os.path.realpath(folder) for folder in packages()}
    found = (path for path in ours | others if os.path.exists(path))
    return tuple(sorted(path for path in found if any(_is_in(path, shown) for shown in shown_paths())))


def readable(path: str | os.PathLike[str]) -> bool:
    """Return whether candidates may read a file, or what is in a folder, if it is there.

    A link counts as what it leads to.
    """
    place = os.path.realpath(path)
    if any(_is_in(place, hidden) for hidden in hidden_paths()):
        return False
    return any(_is_in(place, shown) for shown in shown_paths())


def shown_around_project() -> Iterator[str]:
    """Yield the shown paths, those that hold the project's packages entry by entry: for who cannot cover a folder."""
    covered = {path for path in hidden_paths() if os.path.basename(path) in PROJECT}
    for path in shown_paths():
        yield from _around(path, covered)


def _around(path: str, covered: set[str]) -> Iterator[str]:
    if path in covered:
        return
    if not any(_is_in(hidden, path) for hidden in covered):
        yield path
        return
    for entry in sorted(os.listdir(path)):
        yield from _around(os.path.join(path, entry), covered)


def packages() -> list[str]:
    """Return the folders of packages that the interpreter searches."""
    return [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]


def _library_folders() -> list[str]:
    """Return the folders of the libraries that the loader knows; where it has no list, the usual ones."""
    try:
        names = re.findall(rb"/[^\0]+/[^\0/]+\.so[^\0/]*(?=\0)", Path(CACHE).read_bytes())
    except OSError:
        return ["/lib", "/usr/lib", *LINKS]
    return sorted({os.path.dirname(name.decode(errors="surrogateescape")) for name in names})


def _beside_interpreter() -> list[str]:
    """Return the interpreter and the shared libraries of its installation."""
    folder = Path(sys.base_prefix, "lib")
    if Path(sys.base_prefix, "conda-meta").is_dir():  # there they are hundreds, and the folder holds nothing else
        return [sys.executable, str(folder)]
    return [sys.executable, *map(str, folder.glob("libpython*.so*"))]


def _names_of_project() -> set[str]:
    """Return the names under which this project stands among packages: its own, and what installing it wrote."""
    names = set(PROJECT)
    try:
        files = metadata.distribution(DISTRIBUTION).files or []
    except metadata.PackageNotFoundError:
        return names
    return names | {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")}


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
