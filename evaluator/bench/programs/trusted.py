"""Programs of this project, run in this process: what a judge would find out about them, without a sandbox.

Shapes: L layers, E logical experts, P slots, W windows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eplb_variants import Topology
from eplb_variants.placement import Placement, number_replicas
from evaluator.bench.compositions import Balances, balances_by
from evaluator.candidates.program import Program
from evaluator.workloads.windows import WindowSequence


@lru_cache(maxsize=8)
def rebalance(program: Program) -> Callable[..., Any]:
    """Return the function of a program; only for programs of this project, which it runs in this process."""
    namespace: dict[str, Any] = {"__name__": program.name}
    exec(compile(program.source, program.name, "exec"), namespace)
    function: Callable[..., Any] = namespace["rebalance_experts"]
    return function


def phy2log_of(program: Program, load: NDArray[Any], topology: Topology) -> NDArray[Any]:
    """Return the slots ``[L, P]`` that a program of this project gives for a load ``[L, E]``."""
    import torch

    machine = topology.num_slots, topology.num_groups, topology.num_nodes, topology.num_gpus
    answer = rebalance(program)(torch.from_numpy(np.asarray(load, dtype=np.float32)), *machine)
    phy2log = answer[0] if isinstance(answer, tuple) else answer
    return np.ascontiguousarray(phy2log.numpy())


def placement_of(phy2log: NDArray[Any], num_experts: int, topology: Topology) -> Placement:
    """Return the placement that slots ``[L, P]`` stand for."""
    return Placement(phy2log, number_replicas(phy2log), num_experts, topology)


def balances_of(program: Program, windows_WLE: WindowSequence, topology: Topology) -> Balances:
    """Return the balancedness of a program of this project that places every window anew, by window."""

    def placed(window: int) -> Placement:
        return placement_of(phy2log_of(program, windows_WLE[window], topology), windows_WLE.shape[2], topology)

    return balances_by(placed, windows_WLE)
