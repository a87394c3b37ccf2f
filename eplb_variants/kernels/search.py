"""The search for small changes, compiled: a row's copies are listed by expert, swaps are pruned by what they can gain.

It makes the changes of ``refining/search.py``, in the same order, with the same sums.
Shapes: N rows, P slots, E logical experts, G GPUs.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numba import boolean, float64, int64, void

from eplb_variants.aligning.bounded import Bounded
from eplb_variants.aligning.pooled import Pooled
from eplb_variants.kernels import compiles
from eplb_variants.kernels.compiled import FLOAT_ROWS, FLOATS, INT_ROWS, INTS, kernel, named, ready
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.refining.search import LEAST_GAIN, Effort, by_speed
from eplb_variants.refining.swaps import Swaps
from eplb_variants.refining.transfers import Transfers
from eplb_variants.topology import Topology

ROUNDING = 1e-12
"""What is left out unseen must be worse by this part of the fullest GPU: sums of a GPU's slots are no more exact."""


class Room(NamedTuple):
    """What a row is searched in."""

    logcnt_E: IntArray
    first_E: IntArray
    """Where an expert's copies begin in ``copy_P``; one more entry at the end."""
    copy_P: IntArray
    """The slots, by expert, in order."""
    weight_P: FloatArray
    gpu_G: FloatArray
    """The load of each GPU over its speed."""
    seen_E: IntArray
    """Marks of experts that were looked at."""
    speed_G: FloatArray
    slow_G: FloatArray
    """What a token takes on each GPU: one over its speed."""


class Best(NamedTuple):
    """The best change so far: its gain a slot, and its slots and what they get; -1 for no second slot, or for none."""

    gain: float
    slot: int
    gets: int
    other: int
    other_gets: int


ROOM = named(Room, INTS, INTS, INTS, FLOATS, FLOATS, INTS, FLOATS, FLOATS)
BEST = named(Best, float64, int64, int64, int64, int64)
EFFORT = named(Effort, int64, float64, float64, boolean)


@compiles(Swaps)
def swaps(stage: Swaps, load: FloatArray, slots: IntArray, speed: FloatArray) -> IntArray:
    """Answer as ``Swaps`` does."""
    num_gpus = speed.shape[1]
    return _improved(load, by_speed(load, slots, speed), speed, num_gpus, stage.effort(num_gpus))


@compiles(Transfers)
def transfers(stage: Transfers, load: FloatArray, slots: IntArray, speed: FloatArray) -> IntArray:
    """Answer as ``Transfers`` does."""
    num_gpus = speed.shape[1]
    return _improved(load, by_speed(load, slots, speed), speed, num_gpus, stage.effort(num_gpus))


@compiles(Bounded)
def bounded(stage: Bounded, load: FloatArray, slots: IntArray, topology: Topology, previous: IntArray) -> IntArray:
    """Answer as ``Bounded`` does."""
    effort = stage.effort(topology.num_slots)
    speed_LG = np.broadcast_to(topology.relative_speeds, (len(load), topology.num_gpus))
    return _improved(load, previous, speed_LG, topology.gpus_per_node, effort)


@compiles(Pooled)
def pooled(stage: Pooled, load: FloatArray, slots: IntArray, topology: Topology, previous: IntArray) -> IntArray:
    """Answer as ``Pooled`` does."""
    return stage.chosen(partial(bounded, stage.bounded), load, slots, topology, previous)


def _improved(
    load_NE: FloatArray, slots_NP: IntArray, speed_NG: FloatArray, gpus_per_node: int, effort: Effort
) -> IntArray:
    made_NP = np.array(slots_NP, dtype=np.int64, order="C")
    exact = Effort(int(effort.changes), float(effort.enough), float(effort.price), bool(effort.transfers))
    _improve_rows(ready(load_NE), made_NP, ready(speed_NG), gpus_per_node, exact)
    return made_NP


@kernel(void(FLOATS, INTS, ROOM))
def _weigh(load_E: FloatArray, slots_P: IntArray, room: Room) -> None:
    logcnt_E, first_E, copy_P, weight_P, gpu_G, _, _, slow_G = room
    logcnt_E[:] = 0
    for slot in range(slots_P.size):
        logcnt_E[slots_P[slot]] += 1
    first_E[0] = 0
    for expert in range(logcnt_E.size):
        first_E[expert + 1] = first_E[expert] + logcnt_E[expert]
        logcnt_E[expert] = 0
    for slot in range(slots_P.size):
        expert = slots_P[slot]
        copy_P[first_E[expert] + logcnt_E[expert]] = slot
        logcnt_E[expert] += 1
    size = slots_P.size // gpu_G.size
    for gpu in range(gpu_G.size):
        total = 0.0
        for slot in range(gpu * size, gpu * size + size):
            weight_P[slot] = load_E[slots_P[slot]] / logcnt_E[slots_P[slot]]
            total += weight_P[slot]
        gpu_G[gpu] = total * slow_G[gpu]


@kernel(boolean(INTS, int64, int64, int64))
def _holds(slots_P: IntArray, size: int, gpu: int, expert: int) -> bool:
    held = False
    for slot in range(gpu * size, gpu * size + size):
        held |= slots_P[slot] == expert
    return held


@kernel(BEST(INTS, int64, int64, BEST, ROOM))
def _best_swap(slots_P: IntArray, gpus_per_node: int, fullest: int, best: Best, room: Room) -> Best:
    weight_P, gpu_G, speed_G, slow_G = room.weight_P, room.gpu_G, room.speed_G, room.slow_G
    top, size = gpu_G[fullest], slots_P.size // gpu_G.size
    gain, slot, gets, other, other_gets = best
    first = fullest // gpus_per_node * gpus_per_node
    for gpu in range(first, first + gpus_per_node):
        here, there = speed_G[fullest], speed_G[gpu]
        room_for = (top - gpu_G[gpu]) * (there / (here + there))  # of which the best swap there gains half a slot
        if gpu == fullest or room_for * 0.5000002 <= gain:
            continue
        here, there = slow_G[fullest], slow_G[gpu]
        for i in range(fullest * size, fullest * size + size):
            weight = weight_P[i]
            for j in range(gpu * size, gpu * size + size):
                less = weight - weight_P[j]
                if less <= 0.0:
                    continue
                gained = (top - max(top - less * here, gpu_G[gpu] + less * there)) / 2
                if gained <= gain:
                    continue
                if _holds(slots_P, size, gpu, slots_P[i]) or _holds(slots_P, size, fullest, slots_P[j]):
                    continue
                gain, slot, gets, other, other_gets = gained, i, slots_P[j], j, slots_P[i]
    return Best(gain, slot, gets, other, other_gets)


@kernel(float64(INTS, float64, int64, int64, int64, int64, float64, float64, float64, float64))
def _changed(
    slots_P: IntArray,
    load: float,
    size: int,
    gpu: int,
    loses: int,
    gains: int,
    more: float,
    less: float,
    there: float,
    slow: float,
) -> float:
    """Return the load of a GPU over its speed after a transfer; ``there`` is what the slot itself adds."""
    for slot in range(gpu * size, gpu * size + size):
        load += (more * (slots_P[slot] == loses) + less * (slots_P[slot] == gains)) * slow
    return load + there * slow


@kernel(float64(FLOATS, INTS, int64, int64, float64, float64, ROOM))
def _transfer_gain(
    load_E: FloatArray, slots_P: IntArray, slot: int, gains: int, top: float, least: float, room: Room
) -> float:
    """Return what it gains that a slot becomes a replica of ``gains``; 0 where that is not above ``least``."""
    logcnt_E, first_E, copy_P, _, gpu_G, _, _, slow_G = room
    size = slots_P.size // gpu_G.size
    loses, gpu = slots_P[slot], slot // size
    after, was = load_E[gains] / (logcnt_E[gains] + 1), load_E[loses] / logcnt_E[loses]
    if (
        gpu_G[gpu] + (after - was) * slow_G[gpu] >= top - least + top * ROUNDING
    ):  # too full itself, whatever happens elsewhere
        return 0.0
    if _holds(slots_P, size, gpu, gains):
        return 0.0
    before, rest = load_E[gains] / logcnt_E[gains], load_E[loses] / (logcnt_E[loses] - 1)
    there, more, less = after - rest, rest - was, after - before
    peak = _changed(slots_P, gpu_G[gpu], size, gpu, loses, gains, more, less, there, slow_G[gpu])
    for expert in (loses, gains):
        for at in range(first_E[expert], first_E[expert + 1]):
            if top - peak <= least:
                return 0.0
            touched = copy_P[at] // size
            if touched != gpu:
                slow = slow_G[touched]
                load = _changed(slots_P, gpu_G[touched], size, touched, loses, gains, more, less, 0.0, slow)
                peak = max(peak, load)
    return top - peak


@kernel(boolean(FLOATS, INTS, int64, int64, float64, ROOM))
def _can_give(load_E: FloatArray, slots_P: IntArray, slot: int, fullest: int, limit: float, room: Room) -> bool:
    """Return whether an expert can do without a copy: its other GPUs, but for the fullest, stay below a limit."""
    logcnt_E, first_E, copy_P, _, gpu_G, _, _, slow_G = room
    expert, size = slots_P[slot], slots_P.size // gpu_G.size
    count = logcnt_E[expert]
    if count < 2:
        return False
    more = load_E[expert] / (count - 1) - load_E[expert] / count
    for at in range(first_E[expert], first_E[expert + 1]):
        gpu = copy_P[at] // size
        if gpu not in (slot // size, fullest) and gpu_G[gpu] + more * slow_G[gpu] >= limit:
            return False
    return True


@kernel(BEST(FLOATS, INTS, int64, int64, float64, BEST, ROOM))
def _best_transfer(
    load_E: FloatArray, slots_P: IntArray, gpus_per_node: int, fullest: int, least: float, best: Best, room: Room
) -> Best:
    gpu_G, seen_E = room.gpu_G, room.seen_E
    size = slots_P.size // gpu_G.size
    gain, slot, gets, other, other_gets = best
    first = fullest // gpus_per_node * gpus_per_node
    own, top = fullest * size, gpu_G[fullest]
    for given in range(first * size, (first + gpus_per_node) * size):
        if given // size == fullest or not _can_give(load_E, slots_P, given, fullest, top - least, room):
            continue
        for i in range(own, own + size):
            gained = _transfer_gain(load_E, slots_P, given, slots_P[i], top, gain, room)
            if gained > gain:
                gain, slot, gets, other, other_gets = gained, given, slots_P[i], -1, -1
    marked = False
    for i in range(own, own + size):
        if _can_give(load_E, slots_P, i, fullest, top - least, room):
            if not marked:
                marked, seen_E[:] = True, 0
                for held in range(first * size, (first + gpus_per_node) * size):
                    seen_E[slots_P[held]] = 1
            for expert in range(seen_E.size):
                if not seen_E[expert]:
                    continue
                gained = _transfer_gain(load_E, slots_P, i, expert, top, gain, room)
                if gained > gain:
                    gain, slot, gets, other, other_gets = gained, i, expert, -1, -1
    return Best(gain, slot, gets, other, other_gets)


@kernel(void(FLOATS, INTS, int64, EFFORT, ROOM))
def _improve(load_E: FloatArray, slots_P: IntArray, gpus_per_node: int, effort: Effort, room: Room) -> None:
    changes, enough, price, transfers = effort
    _weigh(load_E, slots_P, room)
    weight_P, gpu_G, speed_G = room.weight_P, room.gpu_G, room.speed_G
    mean, speed = 0.0, 0.0
    for gpu in range(gpu_G.size):
        mean += gpu_G[gpu] * speed_G[gpu]
        speed += speed_G[gpu]
    mean /= speed
    used = 0
    while used < changes:
        fullest = np.argmax(gpu_G)
        top = gpu_G[fullest]
        bound = mean if transfers else max(mean, weight_P.max() / speed_G.max())
        if top <= bound * (1 + enough):
            return
        least = max(top * LEAST_GAIN, mean * price)
        best = Best(least, -1, -1, -1, -1)
        best = _best_swap(slots_P, gpus_per_node, fullest, best, room)
        if transfers:
            best = _best_transfer(load_E, slots_P, gpus_per_node, fullest, least, best, room)
        size = 2 if best.other >= 0 else 1
        if best.slot < 0 or used + size > changes:
            return
        slots_P[best.slot] = best.gets
        if best.other >= 0:
            slots_P[best.other] = best.other_gets
        used += size
        _weigh(load_E, slots_P, room)


@kernel(void(FLOAT_ROWS, INT_ROWS, FLOAT_ROWS, int64, EFFORT))
def _improve_rows(
    load_NE: FloatArray, slots_NP: IntArray, speed_NG: FloatArray, gpus_per_node: int, effort: Effort
) -> None:
    num_experts, num_slots, num_gpus = load_NE.shape[1], slots_NP.shape[1], speed_NG.shape[1]
    room = Room(
        np.empty(num_experts, np.int64),
        np.empty(num_experts + 1, np.int64),
        np.empty(num_slots, np.int64),
        np.empty(num_slots),
        np.empty(num_gpus),
        np.empty(num_experts, np.int64),
        np.empty(num_gpus),
        np.empty(num_gpus),
    )
    for row in range(load_NE.shape[0]):
        room.speed_G[:], room.slow_G[:] = speed_NG[row], 1.0 / speed_NG[row]
        _improve(load_NE[row], slots_NP[row], gpus_per_node, effort, room)
