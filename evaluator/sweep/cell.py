"""A cell: one variant on one workload, topology and seed; and the hash by which its result is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eplb_variants import Topology, Variant
from eplb_variants.errors import EplbError
from evaluator.results.schema import SCHEMA_VERSION
from evaluator.sweep.identity import digest, quality_identity, variant_identity
from evaluator.workloads import content_hash, load_workload, stream
from evaluator.workloads.kept import Kept
from evaluator.workloads.windows import WindowSequence


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
            quality_identity(),
        )
