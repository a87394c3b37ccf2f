"""A trace: how many tokens went to each logical expert, step by step; and the windows that placements see.

Shapes: S steps, L layers, E logical experts, W windows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eplb_variants.errors import EplbError
from eplb_variants.loads import IntArray

StepsOf = Callable[[int], NDArray[Any]]
"""From the number of a window to its steps ``[S, L, E]``."""
MOST_TOKENS = 1 << 40
"""Of one expert in one step, at most: more is damage, and sums over a window would leave the range of int64."""


class Contents(NamedTuple):
    """What a trace holds."""

    steps: int
    """With and without load."""
    layers: int
    experts: int
    empty_steps: int
    """Steps without any load: rows that a recorder did not use. They are left out of windows."""
    empty_layers: int
    """Layers without load in all steps: dense ones. They stay, and weigh nothing."""


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
        if counts.dtype.kind == "f" and all(_is_whole(step) for step in counts):
            counts = counts.astype(np.int64)
        if counts.dtype.kind not in "iu":
            raise EplbError(f"the trace holds {counts.dtype} values: counts of tokens are whole numbers")
        check_counts(counts)
        object.__setattr__(self, "counts", counts)

    @property
    def contents(self) -> Contents:
        """Return what it holds."""
        num_steps, num_layers, num_experts = self.counts.shape
        used_SL: NDArray[np.bool_] = np.any(self.counts != 0, axis=2)
        used_steps, used_layers = (int(np.count_nonzero(np.any(used_SL, axis=axis))) for axis in (1, 0))
        return Contents(num_steps, num_layers, num_experts, num_steps - used_steps, num_layers - used_layers)

    def windows(self, interval: int, max_windows: int = 0) -> IntArray:
        """Return ``[W, L, E]``: sums of ``interval`` consecutive steps; ``max_windows`` at most, 0 for all.

        Steps without any load are left out first (recorders leave unused rows); a last, shorter window is dropped.

        Raises:
            EplbError: there is not one whole window.
        """
        used_SLE = self._used()
        num_windows = whole_windows(used_SLE.shape[0], interval)
        num_windows = min(num_windows, max_windows or num_windows)
        return in_windows(used_SLE[: num_windows * interval], interval)

    def steps_of(self, interval: int) -> StepsOf:
        """Return what finds the ``interval`` steps ``[S, L, E]`` of a window by its number."""
        used_SLE = self._used()
        return lambda window: used_SLE[window * interval : (window + 1) * interval]

    def _used(self) -> NDArray[Any]:
        used_SLE: NDArray[Any] = self.counts[self.counts.any(axis=(1, 2))]
        return used_SLE


def in_windows(steps_SLE: NDArray[Any], interval: int) -> IntArray:
    """Return sums ``[W, L, E]`` of ``interval`` steps; a last, shorter window is dropped."""
    whole = steps_SLE.shape[0] // interval
    windows: IntArray = steps_SLE[: whole * interval].reshape(whole, interval, *steps_SLE.shape[1:]).sum(1, np.int64)
    return windows


def _is_whole(step_LE: NDArray[Any]) -> bool:
    """Whether floating-point counts are whole numbers, of a size that integers hold."""
    bounded = np.isfinite(step_LE).all() and (np.abs(step_LE) <= 2 * MOST_TOKENS).all()
    return bool(bounded and (step_LE == np.floor(step_LE)).all())


def check_counts(counts_SLE: NDArray[Any], first: int = 0) -> None:
    """Raise EplbError where integers are no counts of tokens: below 0 or more than can be.

    Args:
        counts_SLE: one count or more.
        first: the number of the first step.
    """
    low, high = counts_SLE.min() < 0, counts_SLE.max() > MOST_TOKENS
    if low or high:
        what = "a negative count" if low else f"a count above {MOST_TOKENS:,}"
        wrong_SLE = counts_SLE < 0 if low else counts_SLE > MOST_TOKENS
        step, layer, _ = (int(index) for index in np.argwhere(wrong_SLE)[0])
        raise EplbError(f"the trace has {what} in step {first + step}, layer {layer}")


def whole_windows(num_steps: int, interval: int) -> int:
    """Return how many windows of ``interval`` steps there are; EplbError where there is not one."""
    if interval < 1:
        raise EplbError(f"the interval is {interval}: a window is at least one step")
    if num_steps < interval:
        raise EplbError(f"the trace has {num_steps} steps with load: too few for one window of {interval} steps")
    return num_steps // interval
