"""A cell: one variant on one workload, topology and seed; and the hash by which its result is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eplb_variants import Topology, Variant
from eplb_variants.topology import COUNTS
from evaluator.results.schema import SCHEMA_VERSION
from evaluator.sweep.identity import digest, quality_identity, variant_identity
from evaluator.workloads import Source, UnusableWorkload, load_workload, stream_with_steps, what_is_read
from evaluator.workloads.kept import Kept
from evaluator.workloads.trace import StepsOf
from evaluator.workloads.windows import WindowSequence

POOLED = "pooled"
"""The key of a workload that says how it is reported, and nothing of what it is."""


@dataclass(frozen=True, eq=False)
class Workload:
    """A workload as a cell uses it.

    Args:
        name: with the parameters that were changed.
        config: ``kind`` and all parameters, with ``interval`` (steps in a window), ``max_windows`` (0 for all) and
            ``pooled`` (whether verdicts over several workloads count it).
        kept: where the traces of long workloads are kept.
    """

    name: str
    config: Mapping[str, Any]
    kept: Kept | None = None

    @cached_property
    def source(self) -> Source:
        """Return the source of its counts; EplbError where a parameter is out of its range."""
        return load_workload({k: v for k, v in self.config.items() if k not in ("interval", "max_windows", POOLED)})

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
        return digest(
            {k: v for k, v in self.config.items() if k not in (*self.source.located_by, POOLED)}, self.content
        )

    def windows(self, seed: int) -> WindowSequence:
        """Return the windows for a seed, an array where they are few; EplbError where there is not one whole window."""
        return self.with_steps(seed)[0]

    def with_steps(self, seed: int) -> tuple[WindowSequence, StepsOf | None]:
        """Return the windows, and what finds the steps of each by its number; None where a window is one step."""
        self.check()
        return stream_with_steps(self.source, seed, self.config["interval"], self.config["max_windows"], self.kept)


def numbers_of(topology: Topology) -> list[Any]:
    """Return what determines a topology, as plain values."""
    numbers: list[Any] = [getattr(topology, name) for name in COUNTS]
    numbers += [list(topology.speeds)] if topology.speeds else []
    return [*numbers, {"alignment": topology.alignment}] if topology.alignment else numbers


@dataclass(frozen=True, eq=False)
class Cell:
    """What is evaluated as one: the names stand in the results, the rest determines them.

    ``overrides`` say how to choose it again on a command line; they are no part of what it is. ``suite`` and ``part``
    say which suite it is of, and which part of that; None where it is of none.
    """

    variant: Variant
    workload: Workload
    topology_name: str
    topology: Topology
    seed: int
    overrides: tuple[str, ...] = ()
    suite: str | None = None
    part: str | None = None

    @cached_property
    def key(self) -> str:
        """Return the hash of all that determines the quality columns: 20 hexadecimal digits."""
        return digest(
            SCHEMA_VERSION,
            variant_identity(self.variant),
            self.workload.name,
            self.workload.identity,
            self.topology_name,
            numbers_of(self.topology),
            self.seed,
            quality_identity(),
            *([] if self.suite is None else [self.suite, self.part]),
        )
