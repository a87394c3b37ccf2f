"""What a process is asked about: windows that count, and decoys, which a program cannot tell from them.

A program that answers several times within one process could be honest where it is judged and quick where it is timed,
or give an answer that it made before. So every process, whether it judges or times, is asked about several loads in an
order that is drawn. Those that count are windows of different traces, of which none tells anything of another. The
others are decoys: what a window might have been. What was worked out for one load is of no use for the next, and the
work is the same: each layer's total, its experts with no load, and, but for the noise of counting, its loads in order.
Where that noise is all that experts differ by, decoys show by having more of it; there every placement is as good as
another.

Shapes: L layers, E logical experts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eplb_variants.loads import FloatArray

NOISE = 0.01
"""Relative noise of loads that are no counts, such as shares."""
SPREADS = 0.3, 1.5
"""Least and largest standard deviation of the logarithms of the loads that a process is warmed up by."""


class Asked(NamedTuple):
    """A load that a process is asked about."""

    trace: int
    """Whose window it is, or whose window it might have been."""
    counts: bool
    """Whether it is the window itself, and no decoy."""
    load_LE: FloatArray
    number: int = 0
    """Which of the decoys of its process it is."""


def asked_about(
    windows: Sequence[NDArray[np.generic]],
    counting: Collection[int],
    number: int,
    draw: np.random.Generator,
    shared: np.random.Generator | None = None,
) -> list[Asked]:
    """Return what a process is asked about, in the order that was drawn.

    Args:
        windows: a window ``[L, E]`` of each of some traces.
        counting: the traces whose windows count, one or more.
        number: how many loads; decoys fill up what the windows that count leave, of each trace in turn.
        draw: of the order; moved on.
        shared: what decoys are drawn from, where several programs are to get the same; moved on. If None, ``draw``.

    Decoys of a window are drawn around one hidden centre, as the window is one draw around its own. So no two of them
    are closer to each other than to the window, and the window is not in the middle of them.
    """
    real = [Asked(trace, True, np.asarray(windows[trace], dtype=float)) for trace in counting]
    shared = draw if shared is None else shared
    others = [trace for trace in shared.permutation(len(windows)).tolist() if trace not in counting]
    turns = [*others, *counting]
    centres: dict[int, FloatArray] = {}
    decoys = []
    for i in range(number - len(real)):
        trace = turns[i % len(turns)]
        if trace not in centres:
            centres[trace] = drawn_again(windows[trace], shared)
        decoys.append(Asked(trace, False, drawn_again(centres[trace], shared), number=i))
    together = [*real, *decoys]
    return [together[i] for i in draw.permutation(len(together))]


def unlike(window_LE: NDArray[np.generic], draw: np.random.Generator) -> FloatArray:
    """Return a load of which nothing is of use for any other that a process is asked about: what it is warmed up by.

    It has the tokens of each layer of ``window [L, E]``, and experts with none where that has some. Which loads they
    have, in order or not, has nothing to do with it: log-normal shares, of a spread that is drawn for each layer.
    """
    load_LE = np.asarray(window_LE, dtype=float)
    spread_L1 = draw.uniform(*SPREADS, size=(len(load_LE), 1))
    return _drawn(load_LE, draw.lognormal(sigma=np.broadcast_to(spread_L1, load_LE.shape)) * (load_LE > 0), draw)


def like(window_LE: NDArray[np.generic], draw: np.random.Generator) -> FloatArray:
    """Return a new load that looks like any other that a process is asked about."""
    return drawn_again(drawn_again(window_LE, draw), draw)


def drawn_again(window_LE: NDArray[np.generic], draw: np.random.Generator) -> FloatArray:
    """Return another draw of as many tokens a layer with the shares of ``window [L, E]``; experts with none keep none.

    Of loads that are no counts, such as shares, each is multiplied by noise, and each layer keeps its total.
    """
    load_LE = np.asarray(window_LE, dtype=float)
    return _drawn(load_LE, load_LE, draw)


def _drawn(load_LE: FloatArray, weight_LE: FloatArray, draw: np.random.Generator) -> FloatArray:
    """Return a draw of the tokens of each layer of a load, over its experts by weight."""
    total_L1 = load_LE.sum(axis=1, keepdims=True)
    if (load_LE == np.round(load_LE)).all():
        return draw.multinomial(total_L1[:, 0].astype(np.int64), _shares(weight_LE)).astype(float)
    scaled_LE: FloatArray = _shares(weight_LE * draw.lognormal(sigma=NOISE, size=weight_LE.shape)) * total_L1
    return scaled_LE


def _shares(weight_LE: FloatArray) -> FloatArray:
    """Return each layer's weights over their sum; 0 where that is 0."""
    sums_L1 = weight_LE.sum(axis=1, keepdims=True)
    shares_LE: FloatArray = weight_LE / np.where(sums_L1 > 0, sums_L1, 1)
    return shares_LE
