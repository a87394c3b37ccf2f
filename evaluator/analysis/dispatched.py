"""Results under a dispatcher: how tokens are split over the replicas of their expert."""

from __future__ import annotations

import pandas as pd

from eplb_variants.errors import EplbError, unknown

EVEN, FLOW = "even", "flow"
DISPATCHES = (EVEN, FLOW)
"""Evenly, as engines do, or by load, so that the fullest GPU is as little full as can be."""
DISPATCH = "dispatch"
"""The column that says which."""


def under(frame: pd.DataFrame, dispatch: str) -> pd.DataFrame:
    """Return rows by window as they are if tokens are split by a dispatcher, whatever the variant.

    Under ``flow`` the balancedness of GPUs, its bound and the optimality are those of the columns of dispatch.

    Raises:
        EplbError: there is no such dispatcher, or the results are of before these columns.
    """
    if dispatch not in DISPATCHES:
        raise unknown("dispatcher", dispatch, DISPATCHES)
    if dispatch == EVEN:
        return frame
    if "bound_gpu_dispatch_own" not in frame or frame["bound_gpu_dispatch_own"].isna().all():
        raise EplbError("these results have no columns of dispatch: measure them again with this version")
    split = {}
    for on in ("next", "own"):
        for name in ("balancedness_gpu", "bound_gpu"):
            split[f"{name}_{on}"] = frame[f"{name}_dispatch_{on}"]
        split[f"optimality_{on}"] = split[f"balancedness_gpu_{on}"] / split[f"bound_gpu_{on}"]
    return frame.assign(**split, **{DISPATCH: FLOW})
