"""Results under a dispatcher: how tokens are split over the replicas of their expert."""

from __future__ import annotations

import pandas as pd

from eplb_variants.errors import EplbError, unknown

EVEN, FLOW, NEAR = "even", "flow", "near"
DISPATCHES = (EVEN, FLOW, NEAR)
"""Evenly, as engines do; by load, so that the fullest GPU is as little full as can be; or so, but no token leaves the
node of its expert's group where balancedness is .95 without."""
DISPATCH = "dispatch"
"""The column that says which."""


def under(frame: pd.DataFrame, dispatch: str) -> pd.DataFrame:
    """Return rows by window as they are if tokens are split by a dispatcher, whatever the variant.

    Under the others the balancedness of GPUs, its bound, the optimality and the tokens that leave their node are those
    of the columns of dispatch. Where groups do not divide over nodes, ``near`` is ``flow``.

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
        flow = frame[f"balancedness_gpu_dispatch_{on}"]
        near = dispatch == NEAR and f"balancedness_gpu_near_{on}" in frame
        split[f"balancedness_gpu_{on}"] = frame[f"balancedness_gpu_near_{on}"].fillna(flow) if near else flow
        split[f"bound_gpu_{on}"] = frame[f"bound_gpu_dispatch_{on}"]
        split[f"optimality_{on}"] = split[f"balancedness_gpu_{on}"] / split[f"bound_gpu_{on}"]
        remote = f"remote_tokens_{'near' if near else 'dispatch'}_{on}"
        if remote in frame:
            split[f"remote_tokens_{on}"] = frame[remote]
    return frame.assign(**split, **{DISPATCH: dispatch})
