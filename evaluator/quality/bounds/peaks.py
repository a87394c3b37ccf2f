"""What the fullest GPU of a layer holds at least, compiled.

Under any dispatch: of ``E`` experts on ``P`` slots the ``k`` hottest have ``P - (E - k)`` slots at most, since every
other expert needs one; so their tokens are on ``min(G, k + P - E)`` GPUs at most, and one of these holds the share of
it. With ``k = E`` this is the mean. And with ``R = P - E``, of the ``R + j G + 1`` hottest ``j G + 1`` have one replica
at least, so that ``j + 1`` of these share a GPU whole: it holds what the ``j + 1`` coldest of them do.

Under even dispatch every replica of an expert with load ``w`` on ``c`` slots holds ``w / c``, and every GPU holds ``S``
replicas. ``T`` is out of reach

* where replicas of at most ``T`` need more than ``P`` slots: ``sum of max(1, ceil(w / T)) > P``;
* where a weight ``f`` of replicas adds up to more than ``G``, though no ``S`` replicas that fit under ``T`` together
  have more than 1. With ``0 < t <= T / 2``, a replica over ``T - t`` leaves room for such as are under ``t`` alone. So
  ``f`` may be 1 over ``T - t``, 0 up to ``t``, and ``1 / S`` or ``x / T`` between. And ``k + 1`` replicas over
  ``T / (k + 1)`` do not fit, so that ``f`` may be ``1 / k`` there and 0 elsewhere. Such functions are called dual
  feasible (Johnson 1973; Fekete and Schepers 2001). The replica counts are not known, so that the least of
  ``sum of c f(w / c)`` over all counts on ``P`` slots decides, or the least of its linear relaxation: each expert
  begins with one replica, and the slots that are left go where they take away most a slot.

Where GPUs are of uneven speed, ``T`` is a time, load over speed. The ``k`` hottest experts are on the fastest GPUs at
best, so that the sum of these speeds stands where their number does; and what fits on no GPU of the fastest's speed
fits on none, so that loads over that speed stand for loads.

Shapes: L layers, E logical experts, in falling order of load.
"""

from __future__ import annotations

import numpy as np

from eplb_variants.kernels.compiled import kernel
from eplb_variants.loads import FloatArray

CLOSE = 1e-4
"""Relative precision of what is found by bisection; never on the wrong side."""
SLACK = 1e-9
"""Relative: replicas are smaller than this says, so that rounding cannot prove what is not so."""
CUTS = 12
"""Sizes ``t`` that are tried."""
MOST_SLOTS = 6
"""Slots of a GPU up to which weights of replicas are tried: with more the mean is nearly in reach."""


@kernel("float64[::1](float64[:, ::1], int64, float64[::1], boolean)")
def _peaks_any(falling_LE: FloatArray, num_slots: int, speed_G: FloatArray, volume: bool) -> FloatArray:
    num_layers, num_experts = falling_LE.shape
    peak_L, num_gpus = np.zeros(num_layers), speed_G.size
    together_G = np.cumsum(speed_G)
    for layer in range(num_layers):
        hottest = 0.0
        for k in range(num_experts):
            hottest += falling_LE[layer, k]
            reached = k + 1 + num_slots - num_experts
            if volume or reached < num_gpus:
                peak_L[layer] = max(peak_L[layer], hottest / together_G[min(num_gpus, reached) - 1])
        last, together = num_slots - num_experts, 1
        while last < num_experts:
            whole = 0.0
            for e in range(last - together + 1, last + 1):
                whole += falling_LE[layer, e]
            peak_L[layer] = max(peak_L[layer], whole / speed_G[0])
            last, together = last + num_gpus, together + 1
    return peak_L


def peaks_any(falling_LE: FloatArray, num_slots: int, speed_G: FloatArray, *, volume: bool = True) -> FloatArray:
    """Return ``[L]`` what the fullest GPU holds at least, however tokens are split over replicas.

    Args:
        falling_LE: loads ``[L, E]``.
        num_slots: of these experts, at most.
        speed_G: ``[G]`` speeds of the GPUs that these experts are on, at most, in falling order.
        volume: whether they are on no others: then the mean is one of the bounds.
    """
    found: FloatArray = _peaks_any(falling_LE, num_slots, speed_G, volume)
    return found


def peaks_even(falling_LE: FloatArray, num_slots: int, num_gpus: int, known_L: FloatArray) -> FloatArray:
    """Return ``[L]`` what the fullest GPU holds at least if tokens are split evenly over replicas.

    Args:
        falling_LE: loads ``[L, E]``.
        num_slots: in all.
        num_gpus: in all.
        known_L: what is known to be out of reach below it.
    """
    found: FloatArray = _peaks_even(falling_LE, num_slots, num_gpus, known_L)
    return found


@kernel("boolean(float64[::1], int64, float64)")
def _too_large(falling_E: FloatArray, num_slots: int, peak: float) -> bool:
    """Return whether replicas of at most ``peak`` need more slots than there are."""
    needed = 0
    for load in falling_E:
        needed += max(1, int(np.ceil(load / peak * (1 - SLACK))))
        if needed > num_slots:
            return True
    return False


@kernel("UniTuple(float64, 5)(float64, float64, float64, int64, int64)")
def _weights(
    load: float, top: float, cut: float, kind: int, slots_per_gpu: int
) -> tuple[float, float, float, float, float]:
    """Return what an expert's replicas weigh, by their number: where that begins, with one, and how it falls.

    Args:
        load: of the expert.
        top: the load of a GPU that is asked about.
        cut: ``t`` over ``top``, up to .5.
        kind: of weight: 0 for ``1 / S`` in the middle, -1 for ``x / T`` there; ``k`` for ``1 / k`` over
            ``top / (k + 1)``.
        slots_per_gpu: ``S``.

    The weight of one replica; then twice, along the lower hull, by how much the weight falls and for how many further
    replicas. 0 for what is not there.
    """
    if kind > 0:  # 1 / k for every replica over the edge, until there are so many that none is
        edge = top / (kind + 1)
        return (1 / kind, 1 / kind, np.ceil(load / edge) - 1, 0.0, 0.0) if load > edge else (0.0, 0.0, 0.0, 0.0, 0.0)
    large, small = top * (1 - cut), top * cut
    if load <= small:
        return 0.0, 0.0, 0.0, 0.0, 0.0
    none = np.ceil(load / small)
    middle = max(1.0, np.ceil(load / large))
    if middle >= none:  # no number puts its replicas in the middle
        return 1.0, 1.0, none - 1, 0.0, 0.0
    between = load / top if kind < 0 else middle / slots_per_gpu
    if middle == 1:
        return between, between, none - 1, 0.0, 0.0
    if (1 - between) / (middle - 1) > 1 / (none - 1):  # the hull of (1, 1), (middle, between), (none, 0)
        return 1.0, 1 - between, middle - 1, between, none - middle
    return 1.0, 1.0, none - 1, 0.0, 0.0


@kernel("boolean(float64[::1], int64, int64, float64, float64, int64, float64[::1], float64[::1])")
def _too_heavy(
    falling_E: FloatArray,
    num_slots: int,
    num_gpus: int,
    peak: float,
    cut: float,
    kind: int,
    gain_Q: FloatArray,
    cost_Q: FloatArray,
) -> bool:
    """Return whether the least weight of all replicas is more than one a GPU; ``gain`` and ``cost`` are room."""
    num_experts = len(falling_E)
    weight, number = 0.0, 0
    for e in range(num_experts):
        begins, first, replicas, second, more = _weights(
            falling_E[e], peak * (1 + SLACK), cut, kind, num_slots // num_gpus
        )
        if begins == 0.0:
            break  # nor does any colder one weigh anything
        weight += begins
        gain_Q[number], cost_Q[number] = first, replicas
        number += 1
        if second > 0.0:
            gain_Q[number], cost_Q[number] = second, more
            number += 1
    limit = num_gpus * (1 + SLACK)
    if weight <= limit:
        return False
    left = float(num_slots - num_experts)
    for q in np.argsort(-gain_Q[:number] / cost_Q[:number]):
        if cost_Q[q] >= left:
            weight -= gain_Q[q] * left / cost_Q[q]
            break
        weight -= gain_Q[q]
        left -= cost_Q[q]
        if weight <= limit:
            return False
    return bool(weight > limit)


@kernel("float64(float64[::1], int64, float64)")
def _raised_by_size(falling_E: FloatArray, num_slots: int, peak: float) -> float:
    """Return the largest peak found out of reach because replicas under it need too many slots; ``peak`` if none."""
    if not _too_large(falling_E, num_slots, peak):
        return peak
    low, high = peak, falling_E[0]
    while high > low * (1 + CLOSE):
        middle = (low + high) / 2
        if _too_large(falling_E, num_slots, middle):
            low = middle
        else:
            high = middle
    return low


@kernel("float64(float64[::1], int64, int64, float64, float64, int64, float64[::1], float64[::1])")
def _raised_by_weight(
    falling_E: FloatArray,
    num_slots: int,
    num_gpus: int,
    peak: float,
    cut: float,
    kind: int,
    gain_Q: FloatArray,
    cost_Q: FloatArray,
) -> float:
    """Return the largest peak found out of reach by one kind of weight; ``peak`` if none."""
    low, step = peak, peak * 1e-3
    while _too_heavy(falling_E, num_slots, num_gpus, low + step, cut, kind, gain_Q, cost_Q):
        low += step
        step *= 2
    if low == peak:
        return peak
    high = low + step
    while high > low * (1 + CLOSE):
        middle = (low + high) / 2
        if _too_heavy(falling_E, num_slots, num_gpus, middle, cut, kind, gain_Q, cost_Q):
            low = middle
        else:
            high = middle
    return low


@kernel("float64[::1](float64[:, ::1], int64, int64, float64[::1])")
def _peaks_even(falling_LE: FloatArray, num_slots: int, num_gpus: int, known_L: FloatArray) -> FloatArray:
    num_layers, num_experts = falling_LE.shape
    slots_per_gpu = num_slots // num_gpus
    gain_Q, cost_Q = np.empty(2 * num_experts), np.empty(2 * num_experts)
    peak_L = known_L.copy()
    for layer in range(num_layers):
        falling_E, peak = falling_LE[layer], known_L[layer]
        if peak == 0.0:
            continue
        peak = _raised_by_size(falling_E, num_slots, peak)
        if 1 < slots_per_gpu <= MOST_SLOTS:
            for number in range(CUTS):
                cut = 0.5 * (number + 1) / CUTS
                for kind in (0, -1):
                    peak = _raised_by_weight(falling_E, num_slots, num_gpus, peak, cut, kind, gain_Q, cost_Q)
            for kind in range(1, slots_per_gpu):
                peak = _raised_by_weight(falling_E, num_slots, num_gpus, peak, 0.0, kind, gain_Q, cost_Q)
        peak_L[layer] = peak
    return peak_L
