"""What can be composed: the registered stages, and ranges of their parameters, from their own declarations.

Nothing here names a stage. A float is looked for within a factor of ten around its default, and stays on its side of 1,
for it may be a share; where its default is 0 or less, from twice that up to 1. An integer is looked for within a factor
of four, a flag both ways; a text stays as it is. What a stage refuses is no variant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from eplb_variants.registry import Stage, stages
from eplb_variants.variant import OPTIONAL, STEPS, WITHIN_A_STEP

FORM = "form"
"""The first choice: a composition of steps, or a placer that does everything."""
STAGED, WHOLE = "staged", "whole"
FACTOR, WHOLE_FACTOR = 10.0, 4
"""Around the default of a number, and of a whole number."""
NONE = "none"


class Chooser(Protocol):
    """What makes the choices: a trial of Optuna's."""

    def suggest_categorical(self, name: str, choices: list[Any]) -> Any: ...

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int: ...


def choices_of(kind: str) -> list[Stage]:
    """Return the stages of a kind that run here: not those of engines."""
    return [stage for stage in stages(kind) if not stage.requires]


def compose(trial: Chooser) -> dict[str, Any]:
    """Return the configuration of a variant, by the choices of a trial."""
    config: dict[str, Any] = {"forecaster": _stage(trial, "forecaster", "forecaster")}
    if trial.suggest_categorical(FORM, [STAGED, WHOLE]) == WHOLE:
        return config | {"placer": _stage(trial, "placer", "placer")}
    return config | {step: _stage(trial, step, kind) for step, kind in STEPS.items()}


def _stage(trial: Chooser, step: str, kind: str) -> dict[str, Any]:
    known = {stage.name: stage for stage in choices_of(kind)}
    name = trial.suggest_categorical(step, list(known))
    return _with_parameters(trial, step, known[name])


def _with_parameters(trial: Chooser, step: str, stage: Stage) -> dict[str, Any]:
    """Return a stage with the parameters that are chosen; those of other stages are not asked about."""
    config: dict[str, Any] = {"name": stage.name}
    for parameter, (hint, default) in stage.parameters.items():
        name = f"{step}.{stage.name}.{parameter}"
        if hint is bool:
            config[parameter] = trial.suggest_categorical(name, [False, True])
        elif hint is int:
            low, high = ends_of(hint, default)
            config[parameter] = trial.suggest_int(name, int(low), int(high))
        elif hint is float:
            low, high = ends_of(hint, default)
            config[parameter] = trial.suggest_float(name, low, high, log=low > 0)
    return config


def ends_of(hint: type, default: Any) -> tuple[float, float]:
    """Return between which values a parameter of some type and default is looked for."""
    if hint is bool:
        return 0, 1
    if hint is int:
        return max(default // WHOLE_FACTOR, 0), max(WHOLE_FACTOR * default, WHOLE_FACTOR)
    if default > 1:
        return max(default / FACTOR, 1.0), default * FACTOR
    return (default / FACTOR, min(default * FACTOR, 1.0)) if default > 0 else (2.0 * default, 1.0)


def choices_for(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the choices that compose a variant; None where they are not in the space, such as those of an engine.

    A parameter at a value that is out of its range, a policy of its own, or a stage within the step makes it none, too.
    """
    if config.get("policy", "auto") != "auto" or any(config.get(kind) for kind in WITHIN_A_STEP):
        return None
    made: dict[str, Any] = {}
    steps = {"forecaster": "forecaster", **({"placer": "placer"} if "placer" in config else STEPS)}
    for step, kind in steps.items():
        given = config.get(step, {"name": NONE} if step in OPTIONAL else {"name": "last"})
        given = {"name": given} if isinstance(given, str) else dict(given)
        known = {stage.name: stage for stage in choices_of(kind)}
        if given["name"] not in known:
            return None
        made[step] = given["name"]
        for parameter, (hint, default) in known[given["name"]].parameters.items():
            if hint in (bool, int, float):
                value = hint(given.get(parameter, default))
                low, high = ends_of(hint, default)
                if not low <= value <= high:
                    return None
                made[f"{step}.{given['name']}.{parameter}"] = value
    return made | {FORM: WHOLE if "placer" in config else STAGED}


def told(config: Mapping[str, Any]) -> str:
    """Return a composition in a line: what is as usual is left out."""
    return ", ".join(_told(step, stage) for step, stage in config.items() if isinstance(stage, Mapping))


def _told(step: str, stage: Mapping[str, Any]) -> str:
    numbers = [f"{name}={value:.3g}" for name, value in _numbers(stage)]
    return f"{step} {stage['name']}" + (f"({', '.join(numbers)})" if numbers else "")


def _numbers(stage: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in stage.items() if name != "name")
