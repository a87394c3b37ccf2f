"""The door for loads: whatever array comes in leaves as a checked float64 history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eplb_variants.errors import EplbError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def as_numpy(array: Any, what: str = "the load") -> NDArray[Any]:
    """Return ``array`` (NumPy, torch on any device, or nested lists) as a NumPy array; torch is not imported.

    Raises:
        EplbError: ``what`` is no array.
    """
    if hasattr(array, "detach"):
        array = array.detach().cpu()
        if array.is_floating_point():
            array = array.double()  # NumPy has no bfloat16
        return np.asarray(array.numpy())
    try:
        return np.asarray(array)
    except ValueError as error:
        raise EplbError(f"{what} is not an array: {error}") from None


def check_load(load: Any) -> FloatArray:
    """Return a load as a new float64 history ``[W, L, E]``; ``[L, E]`` becomes ``W = 1``.

    Raises:
        EplbError: the load is not numeric, has another rank, an axis of length zero, a NaN, an infinity or a
            negative entry, or adds up to more than a float64 holds.
    """
    raw = as_numpy(load)
    if raw.dtype.kind not in "iufb":
        raise EplbError(f"the load holds {raw.dtype} values: it must hold numbers, tokens per logical expert")
    if raw.ndim not in (2, 3):
        raise EplbError(
            f"the load has shape {list(raw.shape)}: it must be [layers, experts] or [windows, layers, experts]"
        )
    if 0 in raw.shape:
        raise EplbError(f"the load has shape {list(raw.shape)}: it needs at least one window, layer and expert")
    load_WLE = np.array(raw, dtype=np.float64, ndmin=3)
    with np.errstate(over="ignore", invalid="ignore"):
        total = load_WLE.sum()
    if not np.isfinite(total):
        wrong = np.argwhere(~np.isfinite(load_WLE))
        if not wrong.size:
            raise EplbError("the load adds up to more than a float64 holds: divide it by a constant")
        raise EplbError(f"the load has a NaN or an infinity in layer {wrong[0][1]}: every entry must be finite")
    if (load_WLE < 0).any():
        layer = int(np.argwhere(load_WLE < 0)[0][1])
        raise EplbError(f"the load has a negative entry in layer {layer}: tokens are counted from zero")
    load_WLE += 0.0  # no negative zeros
    return load_WLE


def sum_from_left(values: Sequence[float]) -> float:
    """Return a sum from the left, as kernels add."""
    total = 0.0
    for value in values:
        total += value
    return total
