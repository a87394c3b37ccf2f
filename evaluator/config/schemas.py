"""What Hydra is told of keys and types, so that a wrong one fails when a configuration is composed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from eplb_variants.hierarchy import IMPLEMENTATIONS, POLICIES
from eplb_variants.registry import stages
from eplb_variants.variant import WITHIN_A_STEP
from evaluator.timing.settings import TimingSettings
from evaluator.workloads import KINDS


@dataclass
class EvaluateSchema:
    """Keys and types of the whole configuration."""

    run: str = MISSING
    runs_dir: str = MISSING
    seed: int = MISSING
    reference: str = MISSING
    measure: str = MISSING
    refresh: bool = MISSING
    place_seconds_limit: float = MISSING
    memory_mib_limit: int = MISSING
    shares: int = MISSING
    variant: Any = MISSING
    workload: Any = MISSING
    topology: Any = MISSING
    score: Any = MISSING
    suite: Any = None
    timing: Any = field(default_factory=lambda: _schema(TimingSettings, "Timing")())
    summary: str = ""  # of an experiment


def _one_of(name: str, allowed: Iterable[str]) -> Any:
    return Enum(name, {word: word for word in allowed})


_Policy, _Implementation = _one_of("Policy", POLICIES), _one_of("Implementation", IMPLEMENTATIONS)
STAGED = dataclasses.make_dataclass(
    "Staged",
    [
        *((step, Any, field(default=MISSING)) for step in ("forecaster", "group_packer", "replicator", "fixup")),
        ("gpu_packer", Any, field(default=MISSING)),
        *((step, Any, field(default=None)) for step in ("refiner", "aligner", *WITHIN_A_STEP)),
        ("name", str, field(default=MISSING)),
        ("summary", str, field(default="")),
        ("policy", _Policy, field(default=_Policy["auto"])),
        ("implementation", _Implementation, field(default=_Implementation["kernel"])),
        ("threads", int, field(default=1)),
    ],
)
"""Keys and types of a variant that is composed of steps; a stage's own are checked with the stage."""


@dataclass
class Whole:
    """Keys and types of a variant whose placer does everything."""

    forecaster: Any = MISSING
    placer: Any = MISSING
    dispatcher: Any = None
    reactive: Any = None
    name: str = MISSING
    summary: str = ""


@dataclass
class TopologySchema:
    """Keys and types of a topology."""

    name: str = MISSING
    summary: str = ""
    num_slots: int = MISSING
    num_groups: int = MISSING
    num_nodes: int = MISSING
    num_gpus: int = MISSING
    speeds: list[Any] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    alignment: int = 0


@dataclass
class ScoreSchema:
    """Keys and types of a score."""

    name: str = MISSING
    summary: str = ""
    formula: str = MISSING
    blind: str = MISSING


@dataclass
class StratumSchema:
    """Keys and types of a stratum of a suite."""

    choose: str = MISSING
    seeds: list[int] = MISSING
    loads: list[str] = field(default_factory=list)


@dataclass
class SuiteSchema:
    """Keys and types of a suite."""

    name: str = MISSING
    summary: str = ""
    training: dict[str, StratumSchema] = field(default_factory=dict)
    held_out: dict[str, StratumSchema] = field(default_factory=dict)


def _schema(cls: type, name: str, extra: Sequence[tuple[str, Any, Any]] = ()) -> type:
    """Return a dataclass with the fields of a frozen one, for OmegaConf, which would make frozen ones read-only."""
    hints = {f.name: f.type for f in dataclasses.fields(cls)}
    types = {n: {"int": int, "float": float, "str": str, "bool": bool}.get(str(t), t) for n, t in hints.items()}
    own: list[tuple[str, Any, Any]] = [
        (f.name, types[f.name], field(default=MISSING if f.default is dataclasses.MISSING else f.default))
        for f in dataclasses.fields(cls)
    ]
    return dataclasses.make_dataclass(name, [(n, t, field(default=v)) for n, t, v in extra] + own)


def _workload_schema(kind: str) -> type:
    common: list[tuple[str, Any, Any]] = [("name", str, MISSING), ("summary", str, ""), ("kind", str, kind)]
    windows: list[tuple[str, Any, Any]] = [("interval", int, 1), ("max_windows", int, 0)]
    return _schema(KINDS[kind], kind, [*common, *windows, ("pooled", bool, True)])


def typed(section: str, config: Any) -> Any:
    """Return a section with its types, where the file that it is from did not name its schema.

    Raises:
        OmegaConfBaseException: a key or a type that the schema does not have.
    """
    if not isinstance(config, DictConfig) or OmegaConf.get_type(config) is not dict:
        return config
    schema: Any = {"topology": TopologySchema, "score": ScoreSchema, "suite": SuiteSchema}.get(section)
    if section == "variant":
        schema = Whole if "placer" in config else STAGED
    if section == "workload":
        schema = _workload_schema(config.kind) if config.get("kind") in KINDS else None
    return OmegaConf.merge(OmegaConf.structured(schema), config) if schema is not None else config


def register_schemas() -> None:
    """Hand Hydra the types of everything that can be configured, the stages' parameters among them."""
    store = ConfigStore.instance()
    store.store(group="schema", name="evaluate", node=EvaluateSchema)
    store.store(group="schema", name="topology", node=TopologySchema)
    store.store(group="schema", name="score", node=ScoreSchema)
    store.store(group="schema", name="suite", node=SuiteSchema)
    store.store(group="schema/variant", name="staged", node=STAGED)
    store.store(group="schema/variant", name="whole", node=Whole)
    for kind in KINDS:
        store.store(group="schema/workload", name=kind, node=_workload_schema(kind))
    for stage in stages():
        fields = [(name, hint, field(default=default)) for name, (hint, default) in stage.parameters.items()]
        node = dataclasses.make_dataclass(stage.name, [("name", str, field(default=stage.name)), *fields])
        store.store(group=f"stage/{stage.kind}", name=stage.name, node=node)
