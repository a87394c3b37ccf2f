"""What can be chosen, without starting Hydra: the files of each group and the line that each says of itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import yaml

from eplb_variants.errors import EplbError

CONFIG_MODULE = "evaluator.conf"
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


def _summary(file: Traversable) -> str:
    line = _SUMMARY.search(file.read_text(encoding="utf-8"))
    try:
        return str(yaml.safe_load(line.group())["summary"]) if line else ""
    except yaml.YAMLError:  # a text of several lines, or none: composing it says what is wrong
        return ""
