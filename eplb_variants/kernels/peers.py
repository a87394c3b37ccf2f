"""Planners of engines, compiled: what each does to a layer is its readable function, compiled as it stands."""

from __future__ import annotations

from eplb_variants.contracts import Replication
from eplb_variants.kernels import compiles
from eplb_variants.kernels.compiled import kernel, ready
from eplb_variants.loads import FloatArray
from eplb_variants.peers.flashlb import FlashLB, packed_by_risk
from eplb_variants.peers.omni import Omni, greedily
from eplb_variants.peers.swift_balancer import SwiftBalancer, rebalanced
from eplb_variants.peers.ultraep import UltraEPPlacement, copied
from eplb_variants.placement import Placement
from eplb_variants.topology import Topology

_copied = kernel("void(float64[::1], int64[:, ::1])")(copied)
_rebalanced = kernel("void(float64, float64, int64, float64[::1], int64[:, ::1], float64[::1])")(rebalanced)
_greedily = kernel("void(float64, int64, int64, float64[::1], int64[:, ::1])")(greedily)
_packed_by_risk = kernel("void(float64, float64[::1], float64[:, ::1], int64[::1], int64[:, ::1])")(packed_by_risk)


@compiles(UltraEPPlacement)
def ultraep(stage: UltraEPPlacement, load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
    """Answer as ``UltraEPPlacement`` does."""
    return stage.placed(_copied, ready(load), topology, previous)


@compiles(SwiftBalancer)
def swift_balancer(
    stage: SwiftBalancer, load: FloatArray, topology: Topology, previous: Placement | None
) -> Replication:
    """Answer as ``SwiftBalancer`` does."""
    return stage.placed(_rebalanced, ready(load), topology, previous)


@compiles(Omni)
def omni(stage: Omni, load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
    """Answer as ``Omni`` does."""
    return stage.placed(_greedily, ready(load), topology, previous)


@compiles(FlashLB)
def flashlb(stage: FlashLB, history: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
    """Answer as ``FlashLB`` does."""
    return stage.placed(_packed_by_risk, history, topology, previous)
