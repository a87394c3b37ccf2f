"""Expert placement for Mixture-of-Experts models: load in, placement out."""

from eplb_variants.api import rebalance_experts
from eplb_variants.contracts import FixUp, Forecaster, Packer, Packing, Placer, Replication, Replicator
from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import Placement, check_placement
from eplb_variants.registry import register, stages
from eplb_variants.topology import Topology
from eplb_variants.variant import Variant, load_variant, variant_names

__version__ = "0.2.0"
"""Of the whole project: pyproject.toml reads it here."""

__all__ = [
    "EplbError",
    "FixUp",
    "FloatArray",
    "Forecaster",
    "IntArray",
    "Packer",
    "Packing",
    "Placement",
    "Placer",
    "Replication",
    "Replicator",
    "Topology",
    "Variant",
    "check_placement",
    "load_variant",
    "rebalance_experts",
    "register",
    "stages",
    "variant_names",
]
