"""Loads and topologies on which careless balancers fail: what the conformance suite and the judge of candidates share.

Shapes: L layers, E logical experts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from eplb_variants.loads import FloatArray
from eplb_variants.topology import Topology

LAYERS, EXPERTS = 5, 24
HIERARCHICAL, GLOBAL = Topology(36, 4, 2, 6), Topology(36, 1, 1, 6)
TOPOLOGIES = {
    "hierarchical": HIERARCHICAL,
    "global": GLOBAL,
    "groups that nodes do not divide": Topology(36, 3, 2, 6),
    "no redundancy": Topology(24, 4, 2, 4),
    "one slot per GPU": Topology(36, 1, 1, 36),
    "two slots per GPU": Topology(32, 4, 2, 16),
    "one GPU": Topology(30, 1, 1, 1),
    "more slots than twice the experts": Topology(72, 4, 2, 8),
}


class Case(NamedTuple):
    """A load and a topology that a balancer must cope with."""

    name: str
    load: FloatArray
    topology: Topology


def hard_loads(num_layers: int = LAYERS, num_experts: int = EXPERTS) -> dict[str, FloatArray]:
    """Return loads ``[L, E]`` on which careless balancers fail, by name; the same at every call."""
    draw = np.random.default_rng(20)
    shape = (num_layers, num_experts)
    mild = np.round(1e4 * draw.lognormal(sigma=0.7, size=shape))
    zero_rows, one_hot, dead = mild.copy(), np.zeros(shape), mild.copy()
    zero_rows[::2] = 0
    one_hot[:, num_experts // 3] = 1e6
    dead[:, draw.permutation(num_experts)[: num_experts // 2]] = 0
    return {
        "mild": mild,
        "all zero": np.zeros(shape),
        "zero rows": zero_rows,
        "one expert has all the load": one_hot,
        "all equal": np.full(shape, 100.0),
        "many exact ties": draw.integers(1, 4, shape).astype(float),
        "heavy skew": 1e3 * draw.lognormal(sigma=3, size=shape),
        "half the experts dead": dead,
        "tiny": mild * 1e-12,
        "huge": mild * 1e9,
    }


def cases() -> Iterator[Case]:
    """Yield every hard load on both policies, and the mild and the zero load on every topology."""
    for name, load in hard_loads().items():
        chosen = TOPOLOGIES if name in ("mild", "all zero") else {"hierarchical": HIERARCHICAL, "global": GLOBAL}
        for where, topology in chosen.items():
            yield Case(f"{name}, {where}", load, topology)
