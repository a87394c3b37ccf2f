"""What Hydra is told of keys and types, so that a wrong one fails when a configuration is composed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from eplb_variants.registry import stages
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
    timing: Any = field(default_factory=lambda: _schema(TimingSettings, "Timing")())
    summary: str = ""  # of an experiment
    sweep: dict[str, Any] = field(default_factory=dict)  # of an experiment: its axes, in Hydra's grammar of overrides


@dataclass
class TopologySchema:
    """Keys and types of a topology."""

    name: str = MISSING
    summary: str = ""
    num_slots: int = MISSING
    num_groups: int = MISSING
    num_nodes: int = MISSING
    num_gpus: int = MISSING


@dataclass
class ScoreSchema:
    """Keys and types of a score."""

    name: str = MISSING
    summary: str = ""
    formula: str = MISSING
    blind: str = MISSING


def _schema(cls: type, name: str, extra: Sequence[tuple[str, Any, Any]] = ()) -> type:
    """Return a dataclass with the fields of a frozen one, for OmegaConf, which would make frozen ones read-only."""
    hints = {f.name: f.type for f in dataclasses.fields(cls)}
    types = {n: {"int": int, "float": float, "str": str, "bool": bool}.get(str(t), t) for n, t in hints.items()}
    own: list[tuple[str, Any, Any]] = [
        (f.name, types[f.name], field(default=MISSING if f.default is dataclasses.MISSING else f.default))
        for f in dataclasses.fields(cls)
    ]
    return dataclasses.make_dataclass(name, [(n, t, field(default=v)) for n, t, v in extra] + own)


def register_schemas() -> None:
    """Hand Hydra the types of everything that can be configured, the stages' parameters among them."""
    store = ConfigStore.instance()
    store.store(group="schema", name="evaluate", node=EvaluateSchema)
    store.store(group="schema", name="topology", node=TopologySchema)
    store.store(group="schema", name="score", node=ScoreSchema)
    for kind, cls in KINDS.items():
        common: list[tuple[str, Any, Any]] = [("name", str, MISSING), ("summary", str, ""), ("kind", str, kind)]
        windows: list[tuple[str, Any, Any]] = [("interval", int, 1), ("max_windows", int, 0)]
        store.store(group="schema/workload", name=kind, node=_schema(cls, kind, common + windows))
    for stage in stages():
        fields = [(name, hint, field(default=default)) for name, (hint, default) in stage.parameters.items()]
        node = dataclasses.make_dataclass(stage.name, [("name", str, field(default=stage.name)), *fields])
        store.store(group=f"stage/{stage.kind}", name=stage.name, node=node)
