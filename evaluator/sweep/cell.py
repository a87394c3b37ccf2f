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
from eplb_variants.installed.loading import installed_version
from eplb_variants.registry import find
from eplb_variants.variant import SLOTS
from evaluator.results.schema import SCHEMA_VERSION
from evaluator.workloads import Source, UnusableWorkload, load_workload, stream, what_is_read
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
    def source(self) -> Source:
        """Return the source of its counts; EplbError where a parameter is out of its range."""
        return load_workload({k: v for k, v in self.config.items() if k not in ("interval", "max_windows")})

    @property
    def seeded(self) -> bool:
        """Whether the counts depend on the seed."""
        return self.source.seeded

    def check(self) -> None:
        """Raise UnusableWorkload where it has no windows, as far as that is known without making the counts."""
        if self.config["max_windows"] < 0:
            raise UnusableWorkload(f"workload.max_windows is {self.config['max_windows']}: it must be 0 (all) or more")
        self.source.check(self.config["interval"])

    def what_is_read(self) -> str | None:
        """Read it if it is read, and say what was; UnusableWorkload where it cannot be used."""
        return what_is_read(self.source, self.config["interval"], self.config["max_windows"], self.kept)

    @cached_property
    def content(self) -> str:
        """Return the hash of what determines the counts."""
        return self.source.identity(self.kept)

    @cached_property
    def identity(self) -> str:
        """Return the hash of what determines the windows but the seed; where the counts are does not."""
        return digest({k: v for k, v in self.config.items() if k not in self.source.located_by}, self.content)

    def windows(self, seed: int) -> WindowSequence:
        """Return the windows for a seed, an array where they are few; EplbError where there is not one whole window."""
        self.check()
        return stream(self.source, seed, self.config["interval"], self.config["max_windows"], self.kept)


@dataclass(frozen=True, eq=False)
class Cell:
    """What is evaluated as one: the names stand in the results, the rest determines them."""

    variant: Variant
    workload: Workload
    topology_name: str
    topology: Topology
    seed: int

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
