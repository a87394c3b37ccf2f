"""What can be chosen, without starting Hydra: the files of each group and the line that each says of itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import yaml

from eplb_variants.errors import EplbError

CONFIG_MODULE = "evaluator.conf"
LARGEST, MOST_VALUES = 1 << 20, 100_000
"""Bytes of a file in a user's folder, and values that it may stand for, at most."""
_SUMMARY = re.compile(r"^summary:.*$", re.MULTILINE)


def choices(group: str, config_dirs: Sequence[str] = ()) -> dict[str, str]:
    """Return the choices of a group by name, sorted, with the one line that each says of itself.

    Args:
        group: a folder of ``conf/``.
        config_dirs: folders of a user's own, laid out as ``conf/``; their choices hide ours of the same name.

    Raises:
        EplbError: such a folder does not exist.
    """
    check_folders(config_dirs)
    found: dict[str, str] = {}
    for root in (resources.files(CONFIG_MODULE), *map(Path, reversed(config_dirs))):
        folder = root.joinpath(group)
        for file in folder.iterdir() if folder.is_dir() else ():
            if file.name.endswith(".yaml"):
                found[file.name.removesuffix(".yaml")] = _summary(file)
    return dict(sorted(found.items()))


def check_folders(config_dirs: Sequence[str]) -> None:
    """Raise EplbError where a folder with configuration does not exist."""
    for folder in config_dirs:
        if not Path(folder).is_dir():
            raise EplbError(f"there is no folder {folder!r} with configuration")


def check_files(config_dirs: Sequence[str]) -> None:
    """Raise EplbError where a folder does not exist, or a file in it stands for more than a configuration has.

    By aliases of YAML, a hundred characters can stand for millions of values. Each file is read once, until it changes.
    """
    check_folders(config_dirs)
    for file in (file for folder in config_dirs for file in sorted(Path(folder).rglob("*.yaml"))):
        if not file.is_file():
            continue
        found = file.stat()
        if found.st_size > LARGEST or _values_in(file, found.st_mtime_ns, found.st_size) > MOST_VALUES:
            raise EplbError(f"{str(file)!r} is too large for a file of configuration, or its aliases make it so")


@lru_cache(maxsize=4096)
def _values_in(file: Path, changed: int, size: int) -> int:
    """Return how many values a file stands for, aliases written out; 0 where it is no YAML: composing it says so."""
    known: dict[int, int] = {}

    def values_in(node: yaml.Node) -> int:
        if id(node) not in known:
            inner = node.value if isinstance(node, (yaml.SequenceNode, yaml.MappingNode)) else ()
            parts = (part for one in inner for part in (one if isinstance(one, tuple) else (one,)))
            known[id(node)] = 1 + sum(map(values_in, parts))
        return known[id(node)]

    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        return 0 if node is None else values_in(node)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, OSError):
        return 0


def _summary(file: Traversable) -> str:
    line = _SUMMARY.search(file.read_text(encoding="utf-8"))
    try:
        return str(yaml.safe_load(line.group())["summary"]) if line else ""
    except yaml.YAMLError:  # a text of several lines, or none: composing it says what is wrong
        return ""
