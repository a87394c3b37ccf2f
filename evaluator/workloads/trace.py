"""A trace: how many tokens went to each logical expert, step by step; and the windows that placements see.

Shapes: S steps, L layers, E logical experts, W windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eplb_variants.errors import EplbError
from eplb_variants.loads import IntArray


@dataclass(frozen=True, eq=False)
class Trace:
    """Loads over time, with what is known about them; what is not known is None.

    Attributes:
        counts: ``[S, L, E]`` integers, tokens routed to each logical expert in each step; all-zero rows are dense
            layers.
        model: name of the model.
        top_k: experts that a token is routed to.
        num_groups: expert groups of the model's router.
        tokens_per_step: tokens in a step.
        layer_ids: index in the model of each layer of the trace.
        phase: prefill, decode or a mix.
        source: where it is from.
        licence: under which terms.
    """

    counts: NDArray[Any]
    model: str | None = None
    top_k: int | None = None
    num_groups: int | None = None
    tokens_per_step: int | None = None
    layer_ids: tuple[int, ...] | None = None
    phase: str | None = None
    source: str | None = None
    licence: str | None = None

    def __post_init__(self) -> None:
        counts = self.counts
        if counts.ndim != 3 or 0 in counts.shape:
            raise EplbError(f"the trace has shape {list(counts.shape)}: it must be [steps, layers, experts]")
        if counts.dtype.kind == "f" and np.isfinite(counts).all() and (counts == np.floor(counts)).all():
            counts = counts.astype(np.int64)
        if counts.dtype.kind not in "iu":
            raise EplbError(f"the trace holds {counts.dtype} values: counts of tokens are whole numbers")
        if counts.dtype.kind == "i" and (counts < 0).any():
            step, layer, _ = (int(i) for i in np.argwhere(counts < 0)[0])
            raise EplbError(f"the trace has a negative count in step {step}, layer {layer}")
        object.__setattr__(self, "counts", counts)

    def windows(self, interval: int) -> IntArray:
        """Return ``[W, L, E]``: sums of ``interval`` consecutive steps.

        Steps without any load are left out first (recorders leave unused rows); a last, shorter window is dropped.

        Raises:
            EplbError: there is not one whole window.
        """
        used = self.counts[self.counts.any(axis=(1, 2))]
        num_windows = whole_windows(used.shape[0], interval)
        whole = used[: num_windows * interval].reshape(num_windows, interval, *used.shape[1:])
        return whole.sum(axis=1, dtype=np.int64)


def whole_windows(num_steps: int, interval: int) -> int:
    """Return how many windows of ``interval`` steps there are; EplbError where there is not one."""
    if interval < 1:
        raise EplbError(f"the interval is {interval}: a window is at least one step")
    if num_steps < interval:
        raise EplbError(f"the trace has {num_steps} steps with load: too few for one window of {interval} steps")
    return num_steps // interval
