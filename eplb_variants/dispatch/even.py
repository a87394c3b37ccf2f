"""Tokens shared evenly."""

from __future__ import annotations

import numpy as np

from eplb_variants.loads import FloatArray
from eplb_variants.placement import Placement
from eplb_variants.registry import register


@register("dispatcher", "even", "every replica gets the same part of its expert's tokens")
def even(load: FloatArray, placement: Placement) -> FloatArray:
    """Return one over the number of copies ``[L, P]``, whatever the load."""
    return 1.0 / np.take_along_axis(placement.logcnt, placement.phy2log, axis=1)
