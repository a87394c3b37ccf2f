"""The names of the stages: one decorator registers a strategy, everything else finds it here.

A stage is a plain function or a frozen dataclass with ``__call__``; its fields are its parameters. What each kind is
called with stands in ``eplb_variants/contracts.py``.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from inspect import isfunction
from typing import Any, TypeVar, get_type_hints

from eplb_variants.contracts import (
    Aligner,
    Dispatcher,
    FixUp,
    Forecaster,
    Packer,
    Placer,
    Reactive,
    Refiner,
    Replicator,
)
from eplb_variants.errors import EplbError, described, unknown

ENTRY_POINT_GROUP = "eplb_variants.stages"
PARAMETER_TYPES = (int, float, str, bool)
"""Types that a parameter may have: those that a configuration file can write and Hydra can check."""
_ROOMS = (
    "forecasting",
    "packing",
    "replication",
    "fixup",
    "refining",
    "aligning",
    "rings",
    "dispatch",
    "reacting",
    "floors",
    "peers",
    "installed",
    "hierarchy",
)


KINDS: dict[str, type] = {
    "forecaster": Forecaster,
    "packer": Packer,
    "replicator": Replicator,
    "fixup": FixUp,
    "refiner": Refiner,
    "aligner": Aligner,
    "placer": Placer,
    "dispatcher": Dispatcher,
    "reactive": Reactive,
}


@dataclasses.dataclass(frozen=True)
class Stage:
    """A registered strategy: what it is called, what it does in a line, how it is made, and what must be installed."""

    kind: str
    name: str
    summary: str
    factory: Callable[..., Any]
    requires: str = ""

    @property
    def parameters(self) -> dict[str, tuple[type, Any]]:
        """Type and default of each parameter, by name; empty for a plain function."""
        if not dataclasses.is_dataclass(self.factory):
            return {}
        hints = get_type_hints(self.factory)
        return {f.name: (hints[f.name], f.default) for f in dataclasses.fields(self.factory) if f.init}

    @property
    def module(self) -> str:
        """Name of the module that defines it."""
        return self.factory.__module__


_stages: dict[tuple[str, str], Stage] = {}
_T = TypeVar("_T", bound=Callable[..., Any])


def register(kind: str, name: str, summary: str, *, requires: str = "") -> Callable[[_T], _T]:
    """Return a decorator that registers a plain function or a frozen dataclass as a stage.

    Args:
        kind: one of ``KINDS``.
        name: what users write; the name of the file and, if it is a whole placer, of its variant too.
        summary: one line for ``eplb list stages``.
        requires: the package whose own code a call runs, where that is one that this project does not depend on.
            Its version is part of what determines the placements; where it is missing, calling raises UnfitError.

    Raises:
        EplbError: the kind does not exist, the name is taken, or the class is not a frozen dataclass whose
            parameters all have defaults.
    """
    if kind not in KINDS:
        raise unknown("kind of stage", kind, KINDS)

    def decorate(factory: _T) -> _T:
        if isinstance(factory, type):
            _check_class(kind, name, factory)
        known = _stages.get((kind, name))
        if known is not None and known.module != factory.__module__:
            raise EplbError(f"the {kind} {name!r} of {factory.__module__} is already registered by {known.module}")
        _stages[kind, name] = Stage(kind, name, summary, factory, requires)
        return factory

    return decorate


def _check_class(kind: str, name: str, cls: type) -> None:
    params = getattr(cls, "__dataclass_params__", None)
    if params is None or not params.frozen:
        raise EplbError(f"the {kind} {name!r} is a class, but no frozen dataclass: write @dataclass(frozen=True)")
    for field in dataclasses.fields(cls):
        if field.init and field.default is dataclasses.MISSING:
            raise EplbError(f"the {kind} {name!r} has a parameter {field.name!r} without a default value")
    for parameter, hint in get_type_hints(cls).items():
        if hint not in PARAMETER_TYPES:
            allowed = ", ".join(t.__name__ for t in PARAMETER_TYPES)
            raise EplbError(f"the {kind} {name!r} has a parameter {parameter!r} of type {hint}: allowed are {allowed}")


@cache
def _discover() -> None:
    """Import every strategy once: the files of our rooms, then other people's entry points."""
    for room in _ROOMS:
        module = importlib.import_module(f"eplb_variants.{room}")
        for info in pkgutil.iter_modules(getattr(module, "__path__", ())):
            importlib.import_module(f"eplb_variants.{room}.{info.name}")
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        try:
            entry.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a stranger's broken package must not take ours down, nor end the program
            warnings.warn(
                f"the stages of {entry.value!r} were left out: {described(error)}", RuntimeWarning, stacklevel=2
            )


def stages(kind: str | None = None) -> list[Stage]:
    """Return all stages, or those of one kind, sorted by kind and name."""
    if kind is not None and kind not in KINDS:
        raise unknown("kind of stage", kind, KINDS)
    _discover()
    return [stage for key, stage in sorted(_stages.items()) if kind in (None, key[0])]


def find(kind: str, name: str) -> Stage:
    """Return the stage of that kind and name; EplbError names the nearest match otherwise."""
    known = {stage.name: stage for stage in stages(kind)}
    if name not in known:
        raise unknown(kind, name, known)
    return known[name]


def name_of(kind: str, stage: Any) -> str:
    """Return the name that a stage is registered under, else what its function or class is called."""
    made_by = stage if isfunction(stage) else type(stage)
    names = (known.name for known in _stages.values() if known.kind == kind and known.factory is made_by)
    return next(names, made_by.__name__)


def build(kind: str, config: str | Mapping[str, Any]) -> Any:
    """Return a stage made from its name, or from a mapping with ``name`` and parameters.

    Raises:
        EplbError: unknown name or parameter, or a parameter of the wrong type; integers pass for floats.
    """
    if not isinstance(config, str | Mapping):
        raise EplbError(f"a {kind} is a name, or a mapping of name and parameters: it was given {config!r}")
    settings = {"name": config} if isinstance(config, str) else dict(config)
    if "name" not in settings:
        raise EplbError(f"a {kind} needs a name: it was given {settings}")
    stage = find(kind, str(settings.pop("name")))
    allowed = stage.parameters
    for key, value in settings.items():
        if key not in allowed:
            raise unknown(f"parameter of the {kind} {stage.name!r} called", key, allowed)
        settings[key] = typed(f"{stage.name}.{key}", value, allowed[key][0])
    if not isinstance(stage.factory, type):
        return stage.factory
    try:
        return stage.factory(**settings)
    except (EplbError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a constructor runs in the process that plans: it must not end it
        raise EplbError(f"the {kind} {stage.name!r} cannot be made: {described(error)}") from None


def typed(where: str, value: Any, wanted: type) -> Any:
    """Return a value of a setting, an integer as a float where one is wanted; EplbError names it and its type."""
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise EplbError(f"{where} is {value!r}: it must be of type {wanted.__name__}")
    return value
