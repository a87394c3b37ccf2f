"""A cell: one variant on one workload, topology and seed; and the hash by which its result is known."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from eplb_variants import Topology, Variant
from eplb_variants.errors import EplbError
from eplb_variants.installed.loading import installed_version
from eplb_variants.registry import find
from eplb_variants.variant import SLOTS
from evaluator.results.schema import SCHEMA_VERSION
from evaluator.workloads import content_hash, load_workload, stream
from evaluator.workloads.kept import Kept
from evaluator.workloads.windows import WindowSequence

MEASURED_BY = (
    "quality/metrics.py",
    "quality/kernels.py",
    "quality/replay.py",
    "workloads/trace.py",
    "workloads/windows.py",
)
"""Files of this package that determine the quality columns, beside the workload's own."""


@dataclass(frozen=True, eq=False)
class Workload:
    """A workload as a cell uses it.

    Args:
        name: with the parameters that were changed.
        config: ``kind`` and all parameters, with ``interval`` (steps in a window) and ``max_windows`` (0 for all).
        kept: where the traces of long workloads are kept.
    """

    name: str
    config: Mapping[str, Any]
    kept: Kept | None = None

    @cached_property
    def _source(self) -> Any:
        return load_workload({k: v for k, v in self.config.items() if k not in ("interval", "max_windows")})

    @property
    def seeded(self) -> bool:
        """Whether the counts depend on the seed: those of a recording do not, nor those of exactly equal loads."""
        made = self.config["kind"] == "synthetic"
        return made and not (self.config["sigma"] == 0 and self.config["phi"] == 0 and not self.config["dead_share"])

    @cached_property
    def content(self) -> str:
        """Return the hash of what determines the counts."""
        return content_hash(self._source, self.kept)

    @cached_property
    def identity(self) -> str:
        """Return the hash of what determines the windows but the seed; a recording's path does not."""
        return digest({k: v for k, v in self.config.items() if k != "path"}, self.content)

    def windows(self, seed: int) -> WindowSequence:
        """Return the windows for a seed, an array where they are few; EplbError where there is not one whole window."""
        if self.config["max_windows"] < 0:
            raise EplbError(f"workload.max_windows is {self.config['max_windows']}: it must be 0 (all) or more")
        return stream(self._source, seed, self.config["interval"], self.config["max_windows"], self.kept)


@dataclass(frozen=True, eq=False)
class Cell:
    """What is evaluated as one: the names stand in the results, the rest determines them.

    ``overrides`` say how to choose it again on a command line; they are no part of what it is.
    """

    variant: Variant
    workload: Workload
    topology_name: str
    topology: Topology
    seed: int
    overrides: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        """Return the hash of all that determines the quality columns: 20 hexadecimal digits."""
        return digest(
            SCHEMA_VERSION,
            variant_identity(self.variant),
            self.workload.name,
            self.workload.identity,
            self.topology_name,
            [self.topology.num_slots, self.topology.num_groups, self.topology.num_nodes, self.topology.num_gpus],
            self.seed,
            [_file_hash(Path(__file__).parents[1] / name) for name in MEASURED_BY],
        )


def variant_identity(variant: Variant) -> list[Any]:
    """Return what determines a variant's placements: its composition, and the source that carries it out.

    Source is told apart by its hash; that of an engine, thousands of files, by its version.
    """
    config = {k: v for k, v in variant.config.items() if k != "summary"}
    packages, versions = {"eplb_variants"}, {}
    for slot, kind in {"forecaster": "forecaster", "placer": "placer", **SLOTS}.items():
        if slot in config:
            name = config[slot] if isinstance(config[slot], str) else config[slot]["name"]
            stage = find(kind, name)
            packages.add(stage.module.partition(".")[0])
            if stage.requires:
                versions[stage.requires] = installed_version(stage.requires)
    return [config, {package: _package_hash(package) for package in sorted(packages)} | versions]


def digest(*parts: Any) -> str:
    """Return a hash of JSON-like values: 20 hexadecimal digits, the same on every machine."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:20]


@cache
def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def _package_hash(package: str) -> str:
    """Return a hash of all Python files of a package; a single module counts as one."""
    file = getattr(importlib.import_module(package), "__file__", None)
    if file is None:  # typed into an interpreter: there is no source to tell versions apart by
        return "no file"
    return source_hash(Path(file).parent) if Path(file).name == "__init__.py" else _file_hash(Path(file))


@cache
def source_hash(folder: Path) -> str:
    """Return a hash of all Python files below a folder."""
    files = sorted(folder.rglob("*.py"))
    return digest([[path.relative_to(folder).as_posix(), _file_hash(path)] for path in files])
