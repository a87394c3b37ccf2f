"""Files that readers see whole or not at all: written under a temporary name beside their own, then renamed."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from eplb_variants.errors import EplbError

STALE_SECONDS = 3600.0
"""A temporary file that was not written to for so long was left behind by a process that was killed."""


def temporary_beside(path: Path) -> Path:
    """Return a name in the same folder that nobody else uses, hidden from readers."""
    return path.with_name(f".{path.name}-{secrets.token_hex(8)}.tmp")


def without_waiting(path: str, flags: int) -> int:
    """Open a file as ``open`` does whose ``opener`` this is, but do not wait where it is a pipe that nobody serves."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)


def leads_out(path: Path, folder: Path) -> bool:
    """Return whether a path in a folder is a link, or lies behind one, that leads out of it, or round in a circle."""
    try:
        return not path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return True


def own_path(folder: Path, name: str) -> Path:
    """Return the path of what is written into a folder, a stranger's perhaps.

    Raises:
        EplbError: it is a link that leads out of the folder.
    """
    path = folder / name
    if leads_out(path, folder):
        raise EplbError(f"{str(path)!r} is a link that leads out of the folder, so that nothing is written to it")
    return path


def plots_folder(runs: Sequence[str | Path], out: str | Path | None) -> Path:
    """Return where plots go: the folder that was named, or ``_plots`` in the first run; EplbError as ``own_path``."""
    return Path(out) if out else own_path(Path(runs[0]), "_plots")


def write_whole(path: Path, text: str) -> None:
    """Write a text, in place of what was there if anything was; a link still links, a pipe or device is written to.

    Raises:
        OSError: it cannot be written; what was there still is.
    """
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8", newline="\n")
        return
    path = path.resolve()
    temporary = temporary_beside(path)
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def clear_left_over(folder: Path) -> None:
    """Delete what processes that were killed left half written in a folder."""
    for path in folder.glob(".*.tmp"):
        try:
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()
        except FileNotFoundError:  # another process cleared it away, or has just renamed it
            pass
