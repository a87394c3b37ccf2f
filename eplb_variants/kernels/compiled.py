"""How kernels are compiled: for fixed types, when their module is imported, and kept on disk for every later process.

Numba keeps a compiled function beside its source and knows it again by that file alone; a change in a function that it
calls from another file would go unseen. So the folder is named by a hash of all kernels' sources, and it is in the
first of these places that can be written to: where ``NUMBA_CACHE_DIR`` says, beside the sources, in the user's cache,
in a private folder for temporary files. Kernels that were compiled beside sources that are now read-only are copied.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numba as nb
import numpy as np
from numba.core import config as settings
from numpy.typing import NDArray

_HERE = Path(__file__).parent
config: Any = settings

FLOATS, INTS = nb.float64[::1], nb.int64[::1]
"""Types of arguments: arrays of one axis."""
FLOAT_ROWS, INT_ROWS = nb.float64[:, ::1], nb.int64[:, ::1]
"""Arrays of rows."""
TYPES: Any = nb.types
PAIR = TYPES.UniTuple(nb.int64, 2)
"""Two whole numbers."""
KERNELS: list[Any] = []
"""All kernels that were imported."""


def named(cls: type, *fields: Any) -> Any:
    """Return the type of arguments that are a NamedTuple, from the types of its fields."""
    same = len(set(fields)) == 1  # Numba tells these apart
    return TYPES.NamedUniTuple(fields[0], len(fields), cls) if same else TYPES.NamedTuple(fields, cls)


def kernel(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that compiles a function for ``signature``, without the interpreter's lock.

    A signature is written as Numba reads it, ``"int64(int64[::1])"``, or made of types, ``int64(INTS)``.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        folder, before = cache_folder(), config.CACHE_DIR
        if folder is None:  # nowhere to keep it: compiled in every process
            made = nb.njit(signature, nogil=True)(function)
        else:
            config.CACHE_DIR = str(folder)  # read while the decorator runs; other people's functions have their own
            try:
                made = nb.njit(signature, cache=True, nogil=True)(function)
            finally:
                config.CACHE_DIR = before
        KERNELS.append(made)
        return made

    return decorate


def ready(array: Any, dtype: type = np.float64) -> NDArray[Any]:
    """Return an array as kernels take them, in C order and not read-only; itself where it is that already."""
    return np.require(array, dtype, ("C", "W"))


@cache
def cache_folder() -> Path | None:
    """Return the folder that keeps the compiled kernels of these sources; None where none can be written to."""
    name = f"eplb-kernels-{source_hash()}"
    beside = _HERE / "__pycache__" / name
    for place in _places():
        folder = place / name
        if not _made(folder):
            continue
        if folder != beside and beside.is_dir() and not any(folder.iterdir()):
            with contextlib.suppress(OSError):  # not ours to read: compiled anew
                shutil.copytree(beside, folder, dirs_exist_ok=True)
        return folder
    return None


@cache
def source_hash() -> str:
    """Return a hash of the sources of all kernels and of Numba's version: 16 hexadecimal digits."""
    sources = hashlib.sha256(nb.__version__.encode())
    for path in sorted(_HERE.glob("*.py")):
        sources.update(path.name.encode() + b"\0" + path.read_bytes())
    return sources.hexdigest()[:16]


def stale_folders() -> Iterator[Path]:
    """Yield the folders of earlier sources that lie beside the one in use."""
    folder = cache_folder()
    for other in () if folder is None else folder.parent.glob("eplb-kernels-*"):
        if other != folder:
            yield other


def _places() -> Iterator[Path]:
    if config.CACHE_DIR:
        yield Path(config.CACHE_DIR)
    yield _HERE / "__pycache__"
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    yield Path(home) / "eplb-lab"
    yield Path(tempfile.gettempdir()) / f"eplb-lab-{os.getuid()}"


def _made(folder: Path) -> bool:
    """Whether the folder is there now and only ours to change: what lies in it is run as machine code."""
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        parent, own = folder.parent.stat(), folder.stat()
        safe_parent = not parent.st_mode & stat.S_IWOTH or parent.st_mode & stat.S_ISVTX
        if not safe_parent or own.st_mode & stat.S_IWOTH or own.st_uid not in (os.getuid(), 0):
            return False
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
