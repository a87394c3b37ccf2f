"""Loads that stand around the one that counts, so that a program cannot tell which that is.

A program that answers several times within one process could be honest where it is judged and quick where it is timed,
or give an answer that it made before. So every process, whether it judges or times, is asked about several loads, of
which one, at a place that is drawn, is the window itself. The others are decoys: what the same window might have been,
with its experts renamed in every layer. What was worked out for one load is of no use for the next, and the work is the
same: each layer's total, its experts with no load, and, but for the noise of counting, its loads in order. Where that
noise is all that experts differ by, decoys show by having more of it; there every placement is as good as another.

Shapes: L layers, E logical experts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eplb_variants import Topology
from eplb_variants.loads import FloatArray
from evaluator.workloads.renaming import renaming

NOISE = 0.01
"""Relative noise of loads that are no counts, such as shares."""


def among_decoys(
    load_LE: NDArray[np.generic], topology: Topology, number: int, place: int, draw: np.random.Generator
) -> list[FloatArray]:
    """Return ``number`` loads ``[L, E]`` of which the one at ``place`` is the load itself and the others are decoys.

    Decoys are drawn around one hidden centre, as the load is one draw around its own. So no two of them are closer to
    each other than to the load, and the load is not in the middle of them.
    """
    real_LE = np.asarray(load_LE, dtype=float)
    centre_LE = drawn_again(real_LE, draw)
    return [real_LE if i == place else renamed(drawn_again(centre_LE, draw), topology, draw) for i in range(number)]


def drawn_again(load_LE: FloatArray, draw: np.random.Generator) -> FloatArray:
    """Return another draw of as many tokens a layer with the shares of ``load [L, E]``; experts with none keep none.

    Of loads that are no counts, such as shares, each is multiplied by noise, and each layer keeps its total.
    """
    total_L1 = load_LE.sum(axis=1, keepdims=True)
    share_LE = load_LE / np.where(total_L1 > 0, total_L1, 1)
    if (load_LE == np.round(load_LE)).all():
        return draw.multinomial(total_L1[:, 0].astype(np.int64), share_LE).astype(float)
    noisy_LE = share_LE * draw.lognormal(sigma=NOISE, size=share_LE.shape)
    sums_L1 = noisy_LE.sum(axis=1, keepdims=True)
    scaled_LE: FloatArray = noisy_LE * total_L1 / np.where(sums_L1 > 0, sums_L1, 1)
    return scaled_LE


def renamed(load_LE: FloatArray, topology: Topology, draw: np.random.Generator) -> FloatArray:
    """Return ``load [L, E]`` with its experts in an order of each layer; groups stay together where they divide."""
    num_layers, num_experts = load_LE.shape
    order_LE = renaming(num_layers, num_experts, topology, draw)
    mixed: FloatArray = np.take_along_axis(load_LE, order_LE, axis=1)
    return mixed
