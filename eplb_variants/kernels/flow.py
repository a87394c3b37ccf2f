"""The exact split, compiled. Shapes: L layers, E logical experts, P slots, G GPUs, Q places (an expert on a GPU)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import boolean, float64, int64, void

from eplb_variants.dispatch.flow import ROUNDING
from eplb_variants.dispatch.flow import flow as readable_flow
from eplb_variants.kernels import compiles
from eplb_variants.kernels.compiled import FLOAT_ROWS, FLOATS, INT_ROWS, INTS, kernel, named, ready
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import Placement


class Places(NamedTuple):
    """Where the experts of a layer are."""

    expert_Q: IntArray
    gpu_Q: IntArray
    copies_Q: IntArray
    """Slots of a place."""
    place_P: IntArray
    """The place of each slot."""
    first_G: IntArray
    """Where a GPU's places begin; one more entry at the end."""
    first_E: IntArray
    """Where an expert's places begin in ``by_expert_Q``; one more entry at the end."""
    by_expert_Q: IntArray
    logcnt_E: IntArray


class Ways(NamedTuple):
    """How a pass got to the GPUs that it met."""

    met_G: IntArray
    seen_E: IntArray
    from_G: IntArray
    """The place that gives, on the GPU before; -1 where the pass began."""
    to_G: IntArray
    """The place that takes."""
    queue_G: IntArray


PLACES, WAYS = named(Places, *[INTS] * 8), named(Ways, *[INTS] * 5)


@compiles(readable_flow)
def flow(stage: object, load: FloatArray, placement: Placement) -> FloatArray:
    """Answer as ``flow`` does."""
    share_LP = np.empty(placement.phy2log.shape)
    _split_rows(ready(load), ready(placement.phy2log, np.int64), placement.topology.relative_speeds, share_LP)
    return share_LP


def flow_peaks(load: FloatArray, placement: Placement) -> FloatArray:
    """Return ``[L]``: the load of the fullest GPU of each layer of ``load [L, E]`` if tokens are split by ``flow``.

    Where GPUs are of uneven speed, its load over its speed.
    """
    peak_L = np.empty(load.shape[0])
    _peak_rows(ready(load), ready(placement.phy2log, np.int64), placement.topology.relative_speeds, peak_L)
    return peak_L


@kernel(PLACES(int64, int64, int64))
def _new_places(num_slots: int, num_experts: int, num_gpus: int) -> Places:
    def room(size: int) -> IntArray:
        return np.empty(size, np.int64)

    return Places(
        room(num_slots),
        room(num_slots),
        room(num_slots),
        room(num_slots),
        room(num_gpus + 1),
        room(num_experts + 1),
        room(num_slots),
        room(num_experts),
    )


@kernel(WAYS(int64, int64))
def _new_ways(num_experts: int, num_gpus: int) -> Ways:
    def room(size: int) -> IntArray:
        return np.empty(size, np.int64)

    return Ways(room(num_gpus), room(num_experts), room(num_gpus), room(num_gpus), room(num_gpus))


@kernel(int64(INTS, PLACES))
def _find_places(slots_P: IntArray, places: Places) -> int:
    """See where the experts are; return how many places there are."""
    expert_Q, gpu_Q, copies_Q, place_P, first_G, first_E, by_expert_Q, logcnt_E = places
    num_gpus, num_experts = first_G.size - 1, logcnt_E.size
    size = slots_P.size // num_gpus
    last_E = by_expert_Q  # of at least as many entries as there are experts
    last_E[:num_experts], logcnt_E[:] = -1, 0
    count = 0
    for slot in range(slots_P.size):
        if slot % size == 0:
            first_G[slot // size] = count
        expert = slots_P[slot]
        logcnt_E[expert] += 1
        last = last_E[expert]
        if last < 0 or gpu_Q[last] != slot // size:
            last = last_E[expert] = count
            expert_Q[count], gpu_Q[count], copies_Q[count] = expert, slot // size, 0
            count += 1
        copies_Q[last] += 1
        place_P[slot] = last
    first_G[num_gpus] = count
    first_E[:] = 0
    for place in range(count):
        first_E[expert_Q[place] + 1] += 1
    for expert in range(num_experts):
        first_E[expert + 1] += first_E[expert]
    for place in range(count - 1, -1, -1):  # ends are moved to beginnings
        first_E[expert_Q[place] + 1] -= 1
        by_expert_Q[first_E[expert_Q[place] + 1]] = place
    for expert in range(num_experts):  # what was each one's beginning is now its follower's
        first_E[expert] = first_E[expert + 1]
    first_E[num_experts] = count
    return count


@kernel(int64(int64, float64, float64, PLACES, WAYS, FLOATS, FLOATS, FLOATS))
def _push(
    target: int,
    peak: float,
    least: float,
    places: Places,
    ways: Ways,
    tokens_Q: FloatArray,
    gpu_G: FloatArray,
    speed_G: FloatArray,
) -> int:
    """Push what fits along the path that leads to a GPU; return 1 if that is anything."""
    gpu_Q, from_G, to_G = places.gpu_Q, ways.from_G, ways.to_G
    gpu, fits = target, peak * speed_G[target] - gpu_G[target]
    while from_G[gpu] >= 0:
        fits = min(fits, tokens_Q[from_G[gpu]])
        gpu = gpu_Q[from_G[gpu]]
    fits = min(fits, gpu_G[gpu] - peak * speed_G[gpu])
    if fits <= least:
        return 0
    gpu_G[gpu] -= fits
    gpu_G[target] += fits
    gpu = target
    while from_G[gpu] >= 0:
        tokens_Q[to_G[gpu]] += fits
        tokens_Q[from_G[gpu]] -= fits
        gpu = gpu_Q[from_G[gpu]]
    return 1


@kernel(int64(float64, float64, PLACES, WAYS, FLOATS, FLOATS, FLOATS, INTS))
def _pass(
    peak: float,
    least: float,
    places: Places,
    ways: Ways,
    tokens_Q: FloatArray,
    gpu_G: FloatArray,
    speed_G: FloatArray,
    closed_Q: IntArray,
) -> int:
    """Go outwards from the GPUs above the peak, pushing load to those below it; return how often.

    Nothing is pushed to a place that is closed.
    """
    expert_Q, gpu_Q, first_G = places.expert_Q, places.gpu_Q, places.first_G
    first_E, by_expert_Q = places.first_E, places.by_expert_Q
    met_G, seen_E, from_G, to_G, queue_G = ways
    met_G[:], seen_E[:] = 0, 0
    end, pushed, at = 0, 0, 0
    for gpu in range(gpu_G.size):
        if gpu_G[gpu] > peak * speed_G[gpu] + least:
            met_G[gpu], from_G[gpu], queue_G[end] = 1, -1, gpu
            end += 1
    while at < end:
        gpu = queue_G[at]
        at += 1
        for place in range(first_G[gpu], first_G[gpu + 1]):
            expert = expert_Q[place]
            if seen_E[expert] or tokens_Q[place] <= least:
                continue
            seen_E[expert] = 1
            for i in range(first_E[expert], first_E[expert + 1]):
                taker = by_expert_Q[i]
                other = gpu_Q[taker]
                if met_G[other] or closed_Q[taker]:
                    continue
                met_G[other], from_G[other], to_G[other], queue_G[end] = 1, place, taker, other
                end += 1
                if gpu_G[other] < peak * speed_G[other] - least:
                    pushed += _push(other, peak, least, places, ways, tokens_Q, gpu_G, speed_G)
    return pushed


@kernel(int64(FLOATS, INTS, PLACES, FLOATS, FLOATS))
def _evenly(load_E: FloatArray, slots_P: IntArray, places: Places, tokens_Q: FloatArray, gpu_G: FloatArray) -> int:
    """Share the tokens of a layer evenly over copies, and return how many places there are."""
    count = _find_places(slots_P, places)
    gpu_G[:] = 0.0
    for place in range(count):
        expert = places.expert_Q[place]
        tokens_Q[place] = load_E[expert] / places.logcnt_E[expert] * places.copies_Q[place]
        gpu_G[places.gpu_Q[place]] += tokens_Q[place]
    return count


@kernel(void(FLOATS, int64, int64, INTS, PLACES, FLOATS, FLOATS))
def _at_home(
    load_E: FloatArray,
    count: int,
    gpus_per_node: int,
    home_E: IntArray,
    places: Places,
    tokens_Q: FloatArray,
    gpu_G: FloatArray,
) -> None:
    """Bring the tokens of every expert that has copies on its own node to these, shared evenly."""
    gpu_Q, copies_Q = places.gpu_Q, places.copies_Q
    for expert in range(home_E.size):
        own = 0
        for i in range(places.first_E[expert], places.first_E[expert + 1]):
            place = places.by_expert_Q[i]
            if gpu_Q[place] // gpus_per_node == home_E[expert]:
                own += copies_Q[place]
        if own == 0:
            continue
        for i in range(places.first_E[expert], places.first_E[expert + 1]):
            place = places.by_expert_Q[i]
            there = gpu_Q[place] // gpus_per_node == home_E[expert]
            tokens_Q[place] = load_E[expert] / own * copies_Q[place] if there else 0.0
    gpu_G[:] = 0.0
    for place in range(count):
        gpu_G[gpu_Q[place]] += tokens_Q[place]


@kernel(boolean(float64, float64, FLOATS, FLOATS))
def _is_level(peak: float, least: float, gpu_G: FloatArray, speed_G: FloatArray) -> bool:
    """Return whether no GPU is above the peak."""
    is_level = True
    for gpu in range(gpu_G.size):
        is_level &= gpu_G[gpu] <= peak * speed_G[gpu] + least
    return is_level


@kernel(void(PLACES, WAYS, FLOATS, FLOATS, FLOATS, INTS))
def _level(
    places: Places, ways: Ways, tokens_Q: FloatArray, gpu_G: FloatArray, speed_G: FloatArray, closed_Q: IntArray
) -> None:
    """Push load from GPU to GPU until the fullest is least full; no place may be closed."""
    total, speed = 0.0, 0.0
    for gpu in range(gpu_G.size):
        total += gpu_G[gpu]
        speed += speed_G[gpu]
    peak, least = total / speed, total * ROUNDING
    while True:
        if _pass(peak, least, places, ways, tokens_Q, gpu_G, speed_G, closed_Q):
            continue
        if _is_level(peak, least, gpu_G, speed_G):
            return
        reached, speed = 0.0, 0.0
        for gpu in range(gpu_G.size):
            if ways.met_G[gpu]:
                reached += gpu_G[gpu]
                speed += speed_G[gpu]
        peak = max(reached / speed, peak + least)


@kernel(float64(FLOATS, FLOATS))
def _fullest(gpu_G: FloatArray, speed_G: FloatArray) -> float:
    """Return the load over its speed of the GPU where that is most."""
    most = 0.0
    for gpu in range(gpu_G.size):
        most = max(most, gpu_G[gpu] / speed_G[gpu])
    return most


@kernel(void(FLOAT_ROWS, INT_ROWS, FLOATS, FLOAT_ROWS))
def _split_rows(load_LE: FloatArray, slots_LP: IntArray, speed_G: FloatArray, share_LP: FloatArray) -> None:
    num_slots, num_experts, num_gpus = slots_LP.shape[1], load_LE.shape[1], speed_G.size
    places, ways = _new_places(num_slots, num_experts, num_gpus), _new_ways(num_experts, num_gpus)
    tokens_Q, gpu_G, none_Q = np.empty(num_slots), np.empty(num_gpus), np.zeros(num_slots, np.int64)
    for layer in range(load_LE.shape[0]):
        load_E, slots_P = load_LE[layer], slots_LP[layer]
        _evenly(load_E, slots_P, places, tokens_Q, gpu_G)
        _level(places, ways, tokens_Q, gpu_G, speed_G, none_Q)
        for slot in range(num_slots):
            place, total = places.place_P[slot], load_E[slots_P[slot]]
            if total > 0:
                share_LP[layer, slot] = tokens_Q[place] / total / places.copies_Q[place]
            else:
                share_LP[layer, slot] = 1 / places.logcnt_E[slots_P[slot]]


@kernel(void(FLOAT_ROWS, INT_ROWS, FLOATS, FLOATS))
def _peak_rows(load_LE: FloatArray, slots_LP: IntArray, speed_G: FloatArray, peak_L: FloatArray) -> None:
    num_slots, num_experts, num_gpus = slots_LP.shape[1], load_LE.shape[1], speed_G.size
    places, ways = _new_places(num_slots, num_experts, num_gpus), _new_ways(num_experts, num_gpus)
    tokens_Q, gpu_G, none_Q = np.empty(num_slots), np.empty(num_gpus), np.zeros(num_slots, np.int64)
    for layer in range(load_LE.shape[0]):
        _evenly(load_LE[layer], slots_LP[layer], places, tokens_Q, gpu_G)
        _level(places, ways, tokens_Q, gpu_G, speed_G, none_Q)
        peak_L[layer] = _fullest(gpu_G, speed_G)


class Near(NamedTuple):
    """What splits come to that keep tokens on their experts' own nodes where they can."""

    best_L: FloatArray
    """Load of the fullest GPU of each layer under the best split."""
    remote_L: FloatArray
    """Tokens of each layer that leave their expert's node then."""
    near_L: FloatArray
    """Load of the fullest GPU where no token leaves its node for a peak below the mean over a target."""
    remote_near_L: FloatArray
    """Tokens that leave their expert's node then."""


def near_peaks(load: FloatArray, placement: Placement, home: IntArray, target: float) -> Near:
    """Return what splits come to that begin with every token on its expert's own node.

    Load is pushed off until the fullest GPU has what no split is below, or the mean over ``target``: first along paths
    within nodes, then across. Where GPUs are of uneven speed, load is load over speed.

    Args:
        load: ``[L, E]``.
        placement: of these experts.
        home: ``[L, E]`` the node of each expert.
        target: balancedness above which nothing is pushed, above 0 and at most 1.
    """
    found = Near(*(np.empty(load.shape[0]) for _ in Near._fields))
    topology = placement.topology
    slots, homes = ready(placement.phy2log, np.int64), ready(home, np.int64)
    _near_rows(ready(load), slots, homes, topology.relative_speeds, topology.gpus_per_node, target, *found)
    return found


@kernel(float64(FLOATS, int64, int64, INTS, float64, PLACES, WAYS, FLOATS, FLOATS, FLOATS, INTS, INTS))
def _from_home(
    load_E: FloatArray,
    count: int,
    gpus_per_node: int,
    home_E: IntArray,
    peak: float,
    places: Places,
    ways: Ways,
    tokens_Q: FloatArray,
    gpu_G: FloatArray,
    speed_G: FloatArray,
    away_Q: IntArray,
    none_Q: IntArray,
) -> float:
    """Split the tokens of a layer from their own nodes on, down to a peak; return how many leave these."""
    least = load_E.sum() * ROUNDING
    _at_home(load_E, count, gpus_per_node, home_E, places, tokens_Q, gpu_G)
    while _pass(peak, least, places, ways, tokens_Q, gpu_G, speed_G, away_Q):  # within nodes
        pass
    while _pass(peak, least, places, ways, tokens_Q, gpu_G, speed_G, none_Q):
        pass
    remote = 0.0
    for place in range(count):
        if away_Q[place]:
            remote += tokens_Q[place]
    return remote


@kernel(void(FLOAT_ROWS, INT_ROWS, INT_ROWS, FLOATS, int64, float64, FLOATS, FLOATS, FLOATS, FLOATS))
def _near_rows(
    load_LE: FloatArray,
    slots_LP: IntArray,
    home_LE: IntArray,
    speed_G: FloatArray,
    gpus_per_node: int,
    target: float,
    best_L: FloatArray,
    remote_L: FloatArray,
    near_L: FloatArray,
    remote_near_L: FloatArray,
) -> None:
    num_slots, num_experts, num_gpus = slots_LP.shape[1], load_LE.shape[1], speed_G.size
    speed = 0.0
    for gpu in range(num_gpus):
        speed += speed_G[gpu]
    places, ways = _new_places(num_slots, num_experts, num_gpus), _new_ways(num_experts, num_gpus)
    tokens_Q, gpu_G = np.empty(num_slots), np.empty(num_gpus)
    away_Q, none_Q = np.empty(num_slots, np.int64), np.zeros(num_slots, np.int64)
    for layer in range(load_LE.shape[0]):
        load_E, home_E = load_LE[layer], home_LE[layer]
        count = _evenly(load_E, slots_LP[layer], places, tokens_Q, gpu_G)
        away = 0
        for place in range(count):
            away_Q[place] = places.gpu_Q[place] // gpus_per_node != home_E[places.expert_Q[place]]
            away += away_Q[place]
        _level(places, ways, tokens_Q, gpu_G, speed_G, none_Q)
        best_L[layer] = near_L[layer] = _fullest(gpu_G, speed_G)
        remote_L[layer] = remote_near_L[layer] = 0.0
        if away == 0:
            continue
        about = (load_E, count, gpus_per_node, home_E)
        split = (places, ways, tokens_Q, gpu_G, speed_G, away_Q, none_Q)
        remote_L[layer] = _from_home(*about, best_L[layer], *split)
        peak = load_E.sum() / speed / target
        if peak <= best_L[layer]:
            remote_near_L[layer] = remote_L[layer]
        else:
            remote_near_L[layer] = _from_home(*about, peak, *split)
            near_L[layer] = _fullest(gpu_G, speed_G)
