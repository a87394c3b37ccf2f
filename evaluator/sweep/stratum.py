"""A workload on a topology, with the traces of it that are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eplb_variants import EplbError, Topology
from evaluator.sweep.cell import Workload, numbers_of
from evaluator.workloads import UnusableWorkload
from evaluator.workloads.windows import WindowSequence, hash_of_windows


@dataclass(frozen=True)
class Frozen:
    """What the windows of traces must be.

    Args:
        where: whose they are, in words.
        hashes: of the windows of each trace, by its seed.
    """

    where: str
    hashes: Mapping[int, str]

    def check(self, seed: int, windows_WLE: WindowSequence) -> None:
        """Raise UnusableWorkload where the windows of a trace are others."""
        if hash_of_windows(windows_WLE) != self.hashes[seed]:
            raise UnusableWorkload(
                f"{self.where}: the load of seed {seed} is not the one that the suite was frozen with; "
                f"another version of eplb-lab or of NumPy makes another"
            )


@dataclass(frozen=True, eq=False)
class Stratum:
    """A workload on a topology, with its traces.

    Args:
        workload: which.
        topology_name: what the topology is called.
        topology: the machine.
        seeds: one for each trace, all different; of a workload without a seed, which is one trace, one.
        frozen: what their windows must be; None where nothing says so.
    """

    workload: Workload
    topology_name: str
    topology: Topology
    seeds: tuple[int, ...]
    frozen: Frozen | None = None

    @cached_property
    def traces(self) -> tuple[WindowSequence, ...]:
        """Return the windows of each trace.

        Raises:
            UnusableWorkload: there are none, they do not fit the topology, or are not what they must be.
        """
        try:
            traces = tuple(self.workload.windows(seed) for seed in self.seeds)
            for windows_WLE in traces:
                self.topology.check_experts(windows_WLE.shape[2])
        except EplbError as error:
            raise UnusableWorkload(str(error)) from None
        for seed, windows_WLE in zip(self.seeds, traces, strict=True):
            self.check(seed, windows_WLE)
        return traces

    def check(self, seed: int, windows_WLE: WindowSequence) -> None:
        """Raise UnusableWorkload where the windows of a trace are not what they must be."""
        if self.frozen is not None:
            self.frozen.check(seed, windows_WLE)

    @property
    def windows(self) -> int:
        """How many windows its longest trace has."""
        return max(map(len, self.traces))

    @cached_property
    def identity(self) -> list[Any]:
        """Return what determines the windows and what is asked of them, as plain values."""
        return [self.workload.identity, numbers_of(self.topology), list(self.seeds)]
