"""Variants: named compositions of stages, loaded by name or from a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import resources
from typing import Any

import yaml

from eplb_variants.checks import guarded, is_proven
from eplb_variants.contracts import Dispatcher, Forecaster, HistoryPlacer, Placer, Reactive, takes_history
from eplb_variants.errors import EplbError, unknown
from eplb_variants.hierarchy import KINDS, Staged, Steps
from eplb_variants.loads import FloatArray, check_load
from eplb_variants.placement import Placement
from eplb_variants.registry import build, typed
from eplb_variants.topology import Topology

CATALOGUE = "eplb_variants.catalogue"
STEPS = dict(zip(Steps._fields, KINDS, strict=True))
"""The steps of a staged variant and the kind of stage that each takes."""
OPTIONAL = Steps._field_defaults
"""The steps that may be left out, and what then stands in their place."""
WITHIN_A_STEP = ("dispatcher", "reactive")
"""What a variant may do with the load of a step, besides placing; one or the other."""
STAGE_KEYS = {**STEPS, **{kind: kind for kind in ("forecaster", "placer", *WITHIN_A_STEP)}}
"""All keys of a variant that name a stage, and the kind that each takes."""
SETTINGS = {"policy": str, "implementation": str, "threads": int}
"""What else can be said of a staged variant, and its type; ``Staged`` says what each means."""


@dataclass(frozen=True, eq=False)
class Variant:
    """A balancer: load in, placement out.

    Attributes:
        name: what it is called in tables and in the ``variant`` column.
        summary: one line on what it does.
        forecaster: from the history to the load to plan for.
        placer: from that load to slots, or, of a placer that takes it, from the history.
        config: the composition that it was made from, complete.
        dispatcher: how tokens are split over the replicas of their expert; None for evenly, as engines do.
        reactive: what fetches experts for a step whose load is known, and splits tokens; None for nothing.
    """

    name: str
    summary: str
    forecaster: Forecaster
    placer: Placer | HistoryPlacer
    config: Mapping[str, Any] = field(default_factory=dict)
    dispatcher: Dispatcher | None = None
    reactive: Reactive | None = None

    @property
    def windows(self) -> int:
        """How many windows of history the forecaster, or a placer without need of one, looks at."""
        return int(getattr(self.placer if takes_history(self.placer) else self.forecaster, "windows", 1))

    @cached_property
    def is_proven(self) -> bool:
        """Whether all its stages are this package's own: others' code may leave traces in the process that runs it."""
        placer = self.placer
        steps = [getattr(placer, step) for step in STEPS] if type(placer) is Staged else [placer]
        behind = (getattr(self.dispatcher, name, None) for name in ("finder", "planner"))
        within = (one for one in (self.dispatcher, *behind, self.reactive) if one is not None)
        stages = [self.forecaster, *steps, *within]
        return type(self) is Variant and all(map(is_proven, stages))

    @cached_property
    def _forecaster(self) -> Forecaster:
        return guarded("forecaster", self.forecaster, self._compiled(self.forecaster))

    @cached_property
    def _placer(self) -> Any:
        return guarded("placer", self.placer, self._compiled(self.placer))

    @cached_property
    def _dispatcher(self) -> Dispatcher:
        return guarded("dispatcher", self.dispatcher, self._compiled(self.dispatcher))

    @cached_property
    def _reactive(self) -> Reactive:
        return guarded("reactive", self.reactive, self._compiled(self.reactive))

    @cached_property
    def _planner(self) -> Dispatcher | None:
        """What chooses shares with the placement; None where nothing does."""
        planner = getattr(self.dispatcher, "planner", None)
        return None if planner is None else guarded("dispatcher", planner, self._compiled(planner))

    def _compiled(self, stage: Any) -> Any:
        """Return what answers as a stage does: its kernel, unless the readable stages were asked for."""
        if getattr(self.placer, "implementation", "kernel") == "reference":
            return stage
        from eplb_variants.kernels import accelerate  # Numba is imported only where it is used

        return accelerate(stage)

    def remark(self, topology: Topology) -> str:
        """Return a sentence on what it makes of a topology that its user may not expect; empty where there is none."""
        return self.placer.remark(topology) if type(self.placer) is Staged else ""

    def place(self, load: Any, topology: Topology, previous: Placement | None = None) -> Placement:
        """Return a placement for ``load``.

        Args:
            load: tokens per logical expert, ``[L, E]`` or a history ``[W, L, E]`` with the newest window last; NumPy
                or torch, not changed. All-zero rows are valid.
            topology: the machine.
            previous: the placement in place now, for variants that mind movement.

        Raises:
            EplbError: the load or the topology cannot be used, which is said before any work; or a stage returned what
                is none.
        """
        history_WLE = check_load(load)
        num_experts = history_WLE.shape[2]
        topology.check_experts(num_experts)
        plans_itself = takes_history(self.placer)
        planned_for = history_WLE if plans_itself else self._forecaster(history_WLE)
        made = self._placer(planned_for, topology, previous)
        placement = Placement(made.phy2log, made.rank, num_experts, topology)
        if self._planner is None:
            return placement
        forecast_LE = self._forecaster(history_WLE) if plans_itself else planned_for
        return replace(placement, share=self._planner(forecast_LE, placement))

    @property
    def dispatches_late(self) -> bool:
        """Whether its dispatcher knows the load of the window before alone."""
        return bool(getattr(self.dispatcher, "is_late", False))

    def dispatch(self, load: FloatArray, placement: Placement) -> FloatArray | None:
        """Return ``share [L, P]``, the part of its expert's tokens that each slot gets; None where shares are even.

        Args:
            load: tokens of each expert, ``[L, E]``: those that are split, or, of a variant that ``dispatches_late``,
                those of the window before.
            placement: that is in force.

        Raises:
            EplbError: a dispatcher of somebody else's returned what are no shares.
        """
        return None if self.dispatcher is None else self._dispatcher(load, placement)

    def react(self, load: FloatArray, placement: Placement) -> Placement | None:
        """Return the placement of a step with its shares; None of a variant that fetches nothing within a step.

        Args:
            load: tokens of each expert in the step, ``[L, E]``.
            placement: that is in force; the slots of first copies stay as they are.

        Raises:
            EplbError: a stage of somebody else's returned what is no such placement.
        """
        return None if self.reactive is None else self._reactive(load, placement)


def variant_names() -> list[str]:
    """Return the names of the shipped variants, sorted."""
    files = resources.files(CATALOGUE).iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


def load_variant(name_or_config: str | Mapping[str, Any]) -> Variant:
    """Return the shipped variant of that name, or the one that a configuration composes.

    Args:
        name_or_config: a name from ``variant_names()``, or a mapping with either ``placer`` (a stage that does
            everything) or the steps of ``STEPS``, ``policy``, ``implementation`` (``kernel``, or ``reference`` for the
            readable stages) and ``threads``; ``forecaster``, ``dispatcher`` or ``reactive``, ``name`` and ``summary``
            may stand in both. A stage is its name, or a mapping of ``name`` and parameters.

    Raises:
        EplbError: an unknown name, key or stage, or a parameter or setting of the wrong type; nothing is converted but
            integers where floats are wanted.
    """
    config = variant_config(name_or_config) if isinstance(name_or_config, str) else _plain(name_or_config)
    optional = {*OPTIONAL, *WITHIN_A_STEP}
    config = {key: value for key, value in config.items() if key not in optional or value is not None}
    steps_or_placer = {"placer"} if "placer" in config else {*SETTINGS, *STEPS}
    allowed = {"name", "summary", "forecaster", *WITHIN_A_STEP} | steps_or_placer
    for key in config:
        if key not in allowed:
            raise unknown("key of a variant called", key, allowed)
    if all(kind in config for kind in WITHIN_A_STEP):
        raise EplbError("a variant has a dispatcher or a reactive stage: both would split the tokens of a step")
    forecaster: Forecaster = build("forecaster", config.get("forecaster", "last"))
    placer: Placer | HistoryPlacer
    if "placer" in config:
        placer = build("placer", config["placer"])
    else:
        missing = [step for step in STEPS if step not in config and step not in OPTIONAL]
        if missing:
            raise EplbError(f"the variant lacks {', '.join(missing)}: name a stage for each, or one placer")
        steps = {step: build(kind, config[step]) for step, kind in STEPS.items() if step in config}
        placer = Staged(**steps, **{key: typed(key, config[key], SETTINGS[key]) for key in SETTINGS if key in config})
    name, summary = (typed(key, config.get(key, other), str) for key, other in (("name", "custom"), ("summary", "")))
    dispatcher, reactive = (build(kind, config[kind]) if kind in config else None for kind in WITHIN_A_STEP)
    return Variant(name, summary, forecaster, placer, config, dispatcher, reactive)


@cache
def _read(name: str) -> dict[str, Any]:
    if name not in variant_names():
        raise unknown("variant", name, variant_names())
    text = resources.files(CATALOGUE).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def variant_config(name: str) -> dict[str, Any]:
    """Return the composition in the file of a shipped variant.

    The files are Hydra's: a default such as ``/stage/packer@gpu_packer: greedy`` names the stage of a step, the body
    sets its parameters. This reads that much of the grammar, so that a balancer can be loaded without Hydra.
    """
    body = _plain(_read(name))
    config: dict[str, Any] = {}
    for default in body.pop("defaults", []):
        if isinstance(default, dict):  # others are the file itself and its schema
            ((choice, stage),) = default.items()
            config[choice.partition("@")[2]] = {"name": stage}
    for key, value in body.items():
        config[key] = {**config[key], **value} if key in config else value
    return config


def flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a nested mapping with their keys joined by dots."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration as new dicts, whatever mappings (such as OmegaConf's) it was made of."""
    return {str(k): _plain(v) if isinstance(v, Mapping) else v for k, v in config.items()}
