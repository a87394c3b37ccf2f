"""The file of a variant, as in ``conf/variant``: a stranger's is read without Hydra, and a new one is written of it.

Hydra's grammar can name any file of the machine, and OmegaConf's can read the environment: nothing that a stranger
wrote reaches them but names of stages and plain values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import yaml

from eplb_variants import EplbError, load_variant
from eplb_variants.variant import SETTINGS, STAGE_KEYS

SCHEMA = "/schema/variant/{}@_here_"
LARGEST_NUMBER = 10**18
MOST_EVENTS = 1000
"""Of YAML's: a variant has some tens."""
_DEFAULT = re.compile(r"/stage/(\w{1,40})@(\w{1,40})")
_WORD = re.compile(r"[A-Za-z][\w.-]{0,60}")


def config_in(text: str) -> dict[str, Any]:
    """Return the composition in a variant's file, which ``load_variant`` takes.

    Raises:
        EplbError: it is no YAML, has anchors or tags, or says more than which stages with which parameters; or there
            is no such stage, or a parameter that it refuses.
    """
    values = plain_yaml(text)
    defaults = values.pop("defaults", None)
    if not isinstance(defaults, list):
        raise EplbError("it has no list of defaults")
    config: dict[str, Any] = {}
    for default in defaults:
        if default in ("_self_", SCHEMA.format("staged"), SCHEMA.format("whole")):
            continue
        step, name = _stage_in(default)
        if step in config:
            raise EplbError(f"it names two stages for {step}")
        config[step] = {"name": name}
    for key, value in values.items():
        if key in ("name", "summary"):
            continue
        if key in SETTINGS:
            config[key] = _value(key, value)
        elif key in STAGE_KEYS and key not in config and isinstance(value, str):
            config[key] = {"name": _value(key, value)}
        elif key in config and isinstance(value, dict):
            config[key] |= {
                str(name): _value(f"{key}.{name}", given) for name, given in value.items() if name != "name"
            }
        else:
            raise EplbError(f"it sets {str(key)[:40]!r}, which is neither a setting nor a stage that its defaults name")
    load_variant(config)
    return config


def text_of(name: str, config: Mapping[str, Any], summary: str, comment: str = "") -> str:
    """Return the file of a variant.

    Args:
        name: of it.
        config: its composition: settings, and a stage with its parameters, or its name, for each step.
        summary: a line.
        comment: that stands ahead; a line.
    """
    stages = {step: config[step] for step in STAGE_KEYS if config.get(step) is not None}
    plain = {step: dict(stage) if isinstance(stage, Mapping) else {"name": stage} for step, stage in stages.items()}
    whole = "placer" in config
    defaults: list[Any] = [SCHEMA.format("whole" if whole else "staged")]
    defaults += [{f"/stage/{STAGE_KEYS[step]}@{step}": stage.pop("name")} for step, stage in plain.items()]
    body: dict[str, Any] = {"defaults": [*defaults, "_self_"], "name": name, "summary": summary}
    if not whole:
        usual = {"policy": "auto", "implementation": "kernel", "threads": 1}
        body |= {key: config.get(key, value) for key, value in usual.items()}
    body |= {step: stage for step, stage in plain.items() if stage}
    ahead = f"# {comment}\n" if comment else ""
    return f"{ahead}{yaml.safe_dump(body, sort_keys=False, width=110)}"


def plain_yaml(text: str) -> dict[str, Any]:
    """Return what is in a stranger's YAML: a mapping of texts to values.

    Raises:
        EplbError: it is no YAML or no mapping; it has anchors, aliases or tags, by which little text is much, or
            something else; numbers of more than 18 digits, or texts that are not whole characters; or it is too long.
    """
    try:
        for number, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
            if getattr(event, "anchor", None) or getattr(event, "tag", None):
                raise EplbError("it has anchors, aliases or tags of YAML")
            if number > MOST_EVENTS:
                raise EplbError("it is too long")
        values = yaml.safe_load(text)
    except EplbError:
        raise
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise EplbError(f"it is not YAML ({type(error).__name__})") from None
    if not isinstance(values, dict):
        raise EplbError("it is no mapping of keys to values")
    _check_plain(values)
    return values


def _check_plain(value: Any) -> None:
    """Raise EplbError where values hold what is no text, no number of usual size, no list and no mapping by texts."""
    if isinstance(value, dict):
        for key, inside in value.items():
            if not isinstance(key, str):
                raise EplbError("it has a key that is no text")
            _check_plain(key)
            _check_plain(inside)
    elif isinstance(value, list):
        for inside in value:
            _check_plain(inside)
    elif isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise EplbError("it has a text that is not UTF-8") from None
    elif isinstance(value, int):
        if abs(value) >= LARGEST_NUMBER:
            raise EplbError("it has a number of more than 18 digits")
    elif value is not None and not isinstance(value, float):
        raise EplbError(f"it has a {type(value).__name__}, which is neither a number nor a text")


def _stage_in(default: Any) -> tuple[str, str]:
    """Return step and stage of one of the defaults."""
    pair = next(iter(default.items())) if isinstance(default, dict) and len(default) == 1 else (default, None)
    match = _DEFAULT.fullmatch(pair[0]) if isinstance(pair[0], str) else None
    is_stage = match is not None and STAGE_KEYS.get(match[2]) == match[1]
    if match is None or not is_stage or not isinstance(pair[1], str) or not _WORD.fullmatch(pair[1]):
        raise EplbError("its defaults may name a schema of variants, stages (/stage/KIND@STEP: NAME) and _self_ alone")
    return match[2], pair[1]


def _value(name: str, value: Any) -> Any:
    """Return a value that is a number, a flag or a word."""
    if isinstance(value, str) and _WORD.fullmatch(value):
        return value
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise EplbError(f"{name[:60]} must be a finite number, a flag or a word")
