"""The best placement of a small layer, by HiGHS: what bounds and heuristics are held against. Minutes where large."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_matrix

from eplb_variants import Topology
from eplb_variants.loads import FloatArray
from evaluator.quality.bounds import keeps_groups


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Send the standard output of the process to nowhere: HiGHS writes lines there that no option turns off."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


class _Program:
    """A mixed-integer program, built up row by row."""

    def __init__(self) -> None:
        self._rows: list[tuple[dict[int, float], float, float]] = []
        self._upper: list[float] = []
        self._whole: list[bool] = []

    def variable(self, upper: float, *, whole: bool) -> int:
        """Add a variable from 0 to ``upper``, and return its number."""
        self._upper.append(upper)
        self._whole.append(whole)
        return len(self._upper) - 1

    def row(self, factors: dict[int, float], low: float, high: float) -> None:
        """Ask for a sum of variables, by number, between two values."""
        self._rows.append((factors, low, high))

    def least(self, number: int) -> float:
        """Return the least value of a variable."""
        matrix = lil_matrix((len(self._rows), len(self._upper)))
        for row, (factors, _, _) in enumerate(self._rows):
            for column, factor in factors.items():
                matrix[row, column] = factor
        limits = np.array([[low, high] for _, low, high in self._rows])
        costs = np.zeros(len(self._upper))
        costs[number] = 1
        with _silent():
            found = milp(
                costs,
                constraints=LinearConstraint(matrix.tocsr(), limits[:, 0], limits[:, 1]),
                bounds=Bounds(np.zeros(len(costs)), np.array(self._upper)),
                integrality=np.array(self._whole, dtype=int),
                options={"mip_rel_gap": 1e-9},
            )
        assert found.success, found.message
        return float(found.fun)


def least_peak(load_E: FloatArray, topology: Topology, *, even: bool) -> float:
    """Return the least load that the fullest GPU can have; over its speed where GPUs are of uneven speed.

    Args:
        load_E: tokens of each expert.
        topology: the machine; groups are kept on their nodes where the hierarchical policy asks for it.
        even: whether an expert's tokens are shared evenly by its replicas, or split as well as can be.
    """
    program, total = _Program(), float(load_E.sum())
    gpus, of_each = range(topology.num_gpus), topology.slots_per_gpu
    peak = program.variable(total / topology.relative_speeds.min(), whole=False)
    most = topology.num_slots - len(load_E) + 1
    slots: list[dict[int, float]] = [{} for _ in gpus]
    tokens: list[dict[int, float]] = [{peak: -float(speed)} for speed in topology.relative_speeds]
    on_gpu: list[list[dict[int, float]]] = []
    for load in load_E:
        replicas: list[dict[int, float]] = [{} for _ in gpus]
        if even:
            chosen: dict[int, float] = {}
            for count in range(1, most + 1):
                is_count = program.variable(1, whole=True)
                chosen[is_count] = 1.0
                placed = {program.variable(min(count, of_each), whole=True): 1.0 for _ in gpus}
                program.row({**placed, is_count: -float(count)}, 0, 0)
                for gpu, variable in zip(gpus, placed, strict=True):
                    replicas[gpu][variable] = 1.0
                    tokens[gpu][variable] = load / count
            program.row(chosen, 1, 1)
        else:
            split: dict[int, float] = {}
            for gpu in gpus:
                present, part = program.variable(1, whole=True), program.variable(load, whole=False)
                program.row({part: 1.0, present: -float(load)}, -np.inf, 0)
                replicas[gpu][present], tokens[gpu][part], split[part] = 1.0, 1.0, 1.0
            program.row(split, load, load)
            program.row({next(iter(one)): 1.0 for one in replicas}, 1, topology.num_slots)
        for gpu in gpus:
            slots[gpu] |= replicas[gpu]
        on_gpu.append(replicas)
    for gpu in gpus:
        program.row(slots[gpu], of_each if even else 0, of_each)
        program.row(tokens[gpu], -np.inf, 0)
    if keeps_groups(len(load_E), topology):
        _keep_groups(program, on_gpu, topology)
    return program.least(peak)


def _keep_groups(program: _Program, on_gpu: list[list[dict[int, float]]], topology: Topology) -> None:
    """Have each group on one node with all replicas, and equally many groups on each."""
    size = len(on_gpu) // topology.num_groups
    homes = [[program.variable(1, whole=True) for _ in range(topology.num_nodes)] for _ in range(topology.num_groups)]
    for home in homes:
        program.row(dict.fromkeys(home, 1.0), 1, 1)
    for node in range(topology.num_nodes):
        of_each = topology.num_groups // topology.num_nodes
        program.row({home[node]: 1.0 for home in homes}, of_each, of_each)
    for expert, replicas in enumerate(on_gpu):
        for gpu, there in enumerate(replicas):
            is_home = homes[expert // size][gpu // topology.gpus_per_node]
            for variable in there:
                program.row({variable: 1.0, is_home: -float(topology.num_slots)}, -np.inf, 0)
