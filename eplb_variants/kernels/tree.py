"""A winner tree: the smallest of many numbers that change one at a time, ties to the lower place, without branches.

``value`` and ``winner`` have ``2 * size`` entries, ``size`` a power of two: entry 1 is the root, entry ``size + i`` the
leaf of place ``i``. A heap does the same in as many steps, but each of its steps guesses a branch.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from eplb_variants.loads import FloatArray, IntArray


def new_tree(places: int) -> tuple[FloatArray, IntArray]:
    """Return ``value`` and ``winner`` for that many places, empty."""
    size = 1 << max(0, (places - 1).bit_length())
    return np.full(2 * size, np.inf), np.zeros(2 * size, dtype=np.int64)


@nb.njit("void(float64[::1], int64[::1], int64)", cache=True, nogil=True)
def settle(value: FloatArray, winner: IntArray, node: int) -> None:
    """Let the children of a node play."""
    left = 2 * node
    wins = value[left] <= value[left + 1]
    value[node] = value[left] if wins else value[left + 1]
    winner[node] = winner[left] if wins else winner[left + 1]


@nb.njit("void(float64[::1], int64[::1])", cache=True, nogil=True)
def build(value: FloatArray, winner: IntArray) -> None:
    """Let all play, after the leaves' values were set."""
    size = value.size // 2
    for place in range(size):
        winner[size + place] = place
    for node in range(size - 1, 0, -1):
        settle(value, winner, node)


@nb.njit("void(float64[::1], int64[::1], int64, float64)", cache=True, nogil=True)
def update(value: FloatArray, winner: IntArray, place: int, new: float) -> None:
    """Give a place another value."""
    node = value.size // 2 + place
    value[node] = new
    node //= 2
    while node > 0:
        settle(value, winner, node)
        node //= 2


@nb.njit("float64(float64[::1], int64[::1])", cache=True, nogil=True)
def runner_up(value: FloatArray, winner: IntArray) -> float:
    """Return the second-smallest value: the smallest among those that the winner played against."""
    best = np.inf
    node = value.size // 2 + winner[1]
    while node > 1:
        best = min(best, value[node ^ 1])
        node //= 2
    return best
