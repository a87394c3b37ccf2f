"""No replication by load: the extra slots go round the experts in order."""

from __future__ import annotations

import numpy as np

from eplb_variants.contracts import Replication
from eplb_variants.loads import FloatArray
from eplb_variants.registry import register
from eplb_variants.replication.growth import grow


@register("replicator", "none", "no replication by load: extra slots go round the experts in order")
def none(load: FloatArray, num_slots: int) -> Replication:
    """Fill ``num_slots`` columns with experts ``0, 1, 2, ...`` again and again, whatever ``load [N, E]`` says.

    Raises:
        EplbError: there are fewer slots than experts.
    """
    num_rows, num_experts = load.shape
    return grow(load, num_slots, lambda extra, _: np.full(num_rows, extra % num_experts))
