"""The loop: a variant places each window and is judged on it and on the next.

Shapes: W windows, L layers, E logical experts, G GPUs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eplb_variants import Placement, Topology, Variant, check_placement, load_variant
from eplb_variants.checks import check_shares
from eplb_variants.loads import FloatArray, IntArray
from evaluator.quality import metrics
from evaluator.quality.bounds import bound, keeps_groups
from evaluator.quality.kernels import is_sound
from evaluator.workloads.trace import StepsOf
from evaluator.workloads.windows import WindowSequence

JUDGED_ON = ("own", "next")


def replay(
    variant: Variant, windows_WLE: WindowSequence, topology: Topology, steps: StepsOf | None = None
) -> Iterator[dict[str, Any]]:
    """Yield a row of metrics for each window, under the names of the results' columns.

    ``steps`` finds the steps of a window; where it is given, a placement is judged on each of the next window's, too.
    The variant sees copies of the windows up to the one it plans for, and its own previous placement, read-only.

    Raises:
        EplbError: the variant cannot use the load, or what it returns is no placement.
    """
    num_windows = len(windows_WLE)
    picture = max(0, num_windows - 2)  # the last window that has a next one
    previous: Placement | None = None
    for window in range(num_windows):
        own_LE = windows_WLE[window]
        placement = place(variant, windows_WLE, window, topology, previous)
        next_LE = windows_WLE[window + 1] if window + 1 < num_windows else None
        row: dict[str, Any] = {"window": window}
        used_L = own_LE.any(axis=1)
        locality = metrics.group_locality(placement, used_L)
        grouped = keeps_groups(placement.num_experts, topology)
        stays = grouped and locality == 1 and variant.reactive is None  # what is fetched within a step leaves its node
        kept = topology if stays else topology.flat()  # whose bound holds for it
        home_LE = metrics.home_nodes(placement) if grouped else None
        is_late = variant.dispatcher is not None and variant.dispatches_late
        before_own_LE = windows_WLE[window - 1] if window and is_late else None
        judged = zip(JUDGED_ON, (own_LE, next_LE), (before_own_LE, own_LE), strict=True)
        for judged_on, load_LE, before_LE in judged:
            if load_LE is not None:
                in_step, share_LP = _in_step(variant, load_LE, placement, before_LE)
                values = (
                    metrics.balance(load_LE, in_step)
                    if share_LP is None
                    else metrics.balance_split(load_LE, in_step, share_LP)
                )._asdict()
                row |= {f"balancedness_{name}_{judged_on}": value for name, value in values.items()}
                row |= _bounds(load_LE, kept, values["gpu"], judged_on, any_split=share_LP is not None)
                if home_LE is None:
                    row[f"balancedness_gpu_dispatch_{judged_on}"] = metrics.balance_dispatched(load_LE, in_step)
                else:
                    leaving = metrics.traffic(load_LE, in_step, home_LE, share_LP)._asdict()
                    row |= {f"{name}_{judged_on}": value for name, value in leaving.items()}
        if next_LE is not None:
            answered = [(next_LE, in_step, share_LP)]  # the next window is judged last
            if steps is not None:
                answered = _step_by_step(variant, steps(window + 1), placement, steps(window)[-1])
                row |= _by_step(answered)
            if variant.reactive is not None:
                row |= _fetched(variant, answered, placement)
        row["moved_slots"] = metrics.moved_slots(previous, placement, used_L) if previous is not None else None
        row["group_locality"] = locality
        row["colocated_replicas"] = metrics.colocated_replicas(placement, used_L)
        if window == picture:
            row |= _heat_map(own_LE if next_LE is None else next_LE, placement)
        previous = placement
        yield row


def _in_step(
    variant: Variant, load_LE: IntArray, placement: Placement, before_LE: IntArray | None
) -> tuple[Placement, FloatArray | None]:
    """Return the placement of a step with that load, and the shares ``[L, P]`` of its slots; None for even ones.

    The placement is the one in force, but for a variant that fetches experts for the step. Without a dispatcher shares
    are those that the placement carries, if any. A dispatcher that is late is shown the load before; where there was
    none, its shares are even.
    """
    if variant.reactive is not None:
        step = variant.react(np.asarray(load_LE, dtype=np.float64), placement)
        assert step is not None
        return step, step.share
    if variant.dispatcher is None:
        return placement, placement.share
    if variant.dispatches_late and before_LE is None:
        return placement, None
    seen_LE = before_LE if variant.dispatches_late else load_LE
    return placement, variant.dispatch(np.asarray(seen_LE, dtype=np.float64), placement)


Answered = list[tuple[NDArray[Any], Placement, FloatArray | None]]
"""By step its load ``[L, E]``, the placement in it and the shares ``[L, P]`` of its slots; None for even ones."""


def _step_by_step(variant: Variant, steps_SLE: NDArray[Any], placement: Placement, before_LE: NDArray[Any]) -> Answered:
    """Return what a variant does in each step ``[S, L, E]`` of a window; ``before`` is the step before the first."""
    answered: Answered = []
    for step_LE in steps_SLE:
        answered.append((step_LE, *_in_step(variant, step_LE, placement, before_LE)))
        before_LE = step_LE
    return answered


def _fetched(variant: Variant, answered: Answered, placement: Placement) -> dict[str, float | None]:
    """Return what a variant fetches for each step, the mean over them."""
    found = []
    for step_LE, step, share_LP in answered:
        assert share_LP is not None
        found.append(metrics.fetched(step_LE, placement, step, share_LP))
    means = [_mean(each) for each in zip(*found, strict=True)]
    row: dict[str, float | None] = {
        f"{name}_next": mean for name, mean in zip(metrics.Fetched._fields, means, strict=True)
    }
    size = getattr(variant.reactive, "expert_mib", None)
    return row | {"fetched_mib_next": None if size is None else means[0] * size}


def _by_step(answered: Answered) -> dict[str, float]:
    """Return how a placement does in single steps."""
    worst = [metrics.imbalance(*each) for each in answered]
    active = [metrics.active_experts(*each) for each in answered]
    aligned = answered[0][1].topology.alignment > 0
    tiles = [metrics.imbalance_tiles(*each) for each in answered] if aligned else []
    p50, p95 = np.nanquantile(worst, [0.5, 0.95]) if not np.isnan(worst).all() else (float("nan"),) * 2
    return {
        "imbalance_p50_next": float(p50),
        "imbalance_p95_next": float(p95),
        "imbalance_worst_next": float(np.fmax.reduce(worst)),
        "active_experts_next": _mean(active),
        **({"imbalance_tiles_next": _mean(tiles)} if aligned else {}),
    }


def _mean(values: Sequence[float]) -> float:
    """Return the mean of what there is; NaN where there is nothing."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _bounds(
    load_LE: IntArray, kept: Topology, balancedness: float, judged_on: str, *, any_split: bool
) -> dict[str, float]:
    """Return what no placement could pass on a load, and how near a placement came to it."""
    limit = bound(load_LE, kept)
    own = limit.any if any_split else limit.even
    return {
        f"bound_gpu_{judged_on}": own,
        f"bound_gpu_dispatch_{judged_on}": limit.any,
        f"optimality_{judged_on}": balancedness / own,
    }


def place(
    variant: Variant, windows_WLE: WindowSequence, window: int, topology: Topology, previous: Placement | None
) -> Placement:
    """Return the checked placement that ``variant`` makes from the windows up to ``window``."""
    history_WLE = seen(variant, windows_WLE, window)
    made = variant.place(history_WLE, topology, previous)
    placement = _checked(made, windows_WLE.shape[2], topology)
    if made.share is not None:
        placement = replace(placement, share=np.array(check_shares(made.share, history_WLE[-1], placement)))
    for array in (placement.phy2log, placement.rank, placement.share):
        if array is not None:
            array.setflags(write=False)
    return placement


def _checked(made: Placement, num_experts: int, topology: Topology) -> Placement:
    """Return a copy of a placement after checking it; the readable check says what is wrong where something is."""
    arrays = (made.phy2log, made.rank)
    plain = all(isinstance(array, np.ndarray) and array.dtype == np.int64 for array in arrays)
    if plain and arrays[0].shape == arrays[1].shape and arrays[0].shape[1:] == (topology.num_slots,):
        phy2log, rank = np.array(arrays, order="C")  # in one piece
        if is_sound(phy2log, rank, num_experts):
            return Placement(phy2log, rank, num_experts, topology)
    return check_placement(made.phy2log, num_experts, topology, rank=made.rank)


def seen(variant: Variant, windows_WLE: WindowSequence, window: int) -> IntArray:
    """Return a copy of the history ``[W, L, E]`` that a variant is shown when it plans for ``window``."""
    return np.stack([windows_WLE[earlier] for earlier in range(max(0, window + 1 - variant.windows), window + 1)])


def _heat_map(load_LE: IntArray, placement: Placement) -> dict[str, Any]:
    """Return the GPU loads ``[L * G]`` in units of the layer's mean, as placed and as without a balancer."""
    contiguous = load_variant("contiguous").place(load_LE, placement.topology)

    def relative(by: Placement) -> list[float]:
        load_LG = metrics.gpu_loads(load_LE, by)
        mean_L1 = np.maximum(load_LG.mean(axis=1, keepdims=True), 1e-300)
        relative_LG: FloatArray = load_LG / by.topology.relative_speeds / mean_L1
        return relative_LG.ravel().tolist()

    return {"gpu_load": relative(placement), "gpu_load_contiguous": relative(contiguous)}
