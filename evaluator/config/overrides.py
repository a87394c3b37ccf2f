"""Single overrides: what they concern, which are refused, how they are set."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from eplb_variants.errors import EplbError, unknown
from eplb_variants.variant import STAGE_KEYS
from evaluator.config.grammar import written
from evaluator.config.session import first_line
from evaluator.config.unofficial import Override


def section_of(override: Override, sections: Sequence[str]) -> str | None:
    """Return the section that an override concerns; None where it concerns none of them."""
    target = override.package or override.key_or_group
    first = target.replace("/", ".").partition(".")[0]
    return first if first in sections else None


def bare_key(override: Override) -> str:
    """Return the key of an override, with its package, without the sign that adds or removes it."""
    return override.get_key_element().lstrip("+~")


def check_written(override: Override, groups: Sequence[str]) -> None:
    """Raise EplbError where an override removes something, or adds one of the groups that are there already."""
    line, key = override.input_line, bare_key(override)
    if not key:
        raise EplbError(f"{line!r} has no key: write GROUP=CHOICE or KEY=VALUE")
    if override.is_delete():
        instead = f"choose another with {key}=NAME" if key in groups else f"set it with {key}=VALUE"
        raise EplbError(f"{line!r} removes {key}, which is always needed: {instead}")
    if (override.is_add() or override.is_force_add()) and key in groups:
        right = str(line).lstrip("+")
        extra = " and with -m" if key == "experiment" else ""
        raise EplbError(f"{line!r} adds {key}, which is there already: write {right} without the plus{extra}")


def set_value(config: DictConfig, key: str, value: Any) -> None:
    """Set a value that must be there already, of the type that its schema asks for.

    Raises:
        EplbError: there is no such key, or the value is of another type.
    """
    parent: Any = config
    path = key.split(".")
    for depth, part in enumerate(path):
        if not isinstance(parent, DictConfig) or part not in map(str, parent.keys()):
            siblings = map(str, parent.keys()) if isinstance(parent, DictConfig) else ()
            raise unknown("key", key, [".".join([*path[:depth], sibling]) for sibling in siblings])
        parent = OmegaConf.select(parent, part) if depth + 1 < len(path) else parent
    before = OmegaConf.select(config, key)
    _check_whole(key, before, value)
    try:
        OmegaConf.update(config, key, value, merge=True)
    except OmegaConfBaseException as error:
        if isinstance(before, Enum):
            raise unknown(key, value, type(before).__members__) from None
        raise EplbError(f"{key}={written(value)} is not valid: {first_line(error)}") from None


def _check_whole(key: str, before: Any, value: Any) -> None:
    """Raise EplbError where one value would replace several, or a stage would get another's name alone."""
    section, _, rest = key.partition(".")
    step, _, last = rest.partition(".")
    kind = STAGE_KEYS.get(step) if section == "variant" else None
    if kind and (not isinstance(before, DictConfig) and last == "name" and value != before):
        raise EplbError(f"{key}={written(value)}: write stage/{kind}@variant.{step}={written(value)} for another stage")
    if isinstance(before, DictConfig) and not isinstance(value, dict):
        keys = ", ".join(f"{key}.{name}" for name in map(str, before) if name != "name")
        stage = f", or another stage with stage/{kind}@variant.{step}=NAME" if kind else ""
        raise EplbError(f"{key}={written(value)} is not valid: set one of {keys}{stage}")
