"""What a stage returned, checked before anything else reads it: kernels trust indices and read memory by them.

The stages of this package are held to their contracts by its tests and are not checked again, but for the code of
engines. Everybody else's are handed copies, so that a stage that writes into its input changes nothing of ours.
Shapes: N rows (layers, or layers x nodes), M items, K packs, P slots, L layers, E logical experts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from inspect import isfunction
from typing import Any

import numpy as np

from eplb_variants.contracts import Packing, Replication
from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray, as_numpy
from eplb_variants.placement import Placement, check_rows, whole_numbers
from eplb_variants.registry import name_of
from eplb_variants.topology import Topology

SHARES_WITHIN = 1e-9
"""How far the shares of an expert may be from 1 in all."""
PACKAGE, UNPROVEN = "eplb_variants.", "eplb_variants.installed."


def guarded(kind: str, stage: Any, run: Any = None) -> Any:
    """Return what carries a stage out, with its answers checked unless the tests of this package hold them.

    Args:
        kind: of the stage, one of ``CHECKS``.
        stage: it is named in errors.
        run: what answers as the stage does, its kernel perhaps; the stage itself if none.

    Raises:
        EplbError: when called, if the answer does not keep the contract; the first offending row is named.
    """
    run = stage if run is None else run
    if is_proven(stage) and (run is stage or is_proven(getattr(run, "func", run))):
        return run
    return _Guarded(kind, stage, run)


@dataclass(frozen=True)
class _Guarded:
    """A stage that is handed copies and whose answers are checked; a class, so that processes can pass it on."""

    kind: str
    stage: Any
    run: Any

    def __call__(self, *given: Any) -> Any:
        made = self.run(*map(_copy, given))
        try:
            return CHECKS[self.kind](made, *given)
        except EplbError as error:
            name = name_of(self.kind, self.stage)
            raise EplbError(f"the {self.kind} {name!r} does not keep its contract: {error}") from None


def is_proven(stage: Any) -> bool:
    """Return whether a stage or a kernel is one of this package's own, not the code of an engine."""
    made_by = stage if isfunction(stage) else type(stage)
    module = made_by.__module__
    if not module.startswith(PACKAGE) or module.startswith(UNPROVEN):
        return False
    return getattr(sys.modules.get(module), made_by.__name__, None) is made_by  # a wrapper may bear our names


def check_forecast(made: Any, history: FloatArray) -> FloatArray:
    """Return a forecast for ``history [W, L, E]`` as a float64 load ``[L, E]``."""
    raw = as_numpy(made, "the forecast")
    if raw.dtype.kind not in "fiu":
        raise EplbError(f"the forecast holds {raw.dtype} values: it must hold numbers, tokens per logical expert")
    if raw.shape != history.shape[1:]:
        raise EplbError(f"the forecast has shape {list(raw.shape)}: it must be {list(history.shape[1:])}")
    load_LE = np.asarray(raw, dtype=np.float64)
    wrong_LE = ~(np.isfinite(load_LE) & (load_LE >= 0))
    if wrong_LE.any():
        layer, expert = (int(i) for i in np.argwhere(wrong_LE)[0])
        raise EplbError(
            f"the forecast of layer {layer} is {load_LE[layer, expert]} for expert {expert}: it must be finite and "
            "not negative"
        )
    with np.errstate(over="ignore"):
        if not np.isfinite(load_LE.sum()):
            raise EplbError("the forecast adds up to more than a float64 holds")
    return load_LE


def check_packing(made: Any, weights: FloatArray, labels: IntArray, num_packs: int) -> Packing:
    """Return a packing of ``weights [N, M]``: every item in a pack, every place of every pack taken once."""
    _is_a(Packing, made)
    num_items = weights.shape[1]
    capacity = num_items // num_packs
    index_NM = _of_shape("pack_index", made.pack_index, weights.shape)
    rank_NM = _of_shape("rank_in_pack", made.rank_in_pack, weights.shape)
    for array_NM, size, what in ((index_NM, num_packs, "pack"), (rank_NM, capacity, "place")):
        wrong_NM = (array_NM < 0) | (array_NM >= size)
        if wrong_NM.any():
            row, item = (int(i) for i in np.argwhere(wrong_NM)[0])
            raise EplbError(
                f"item {item} of row {row} is put in {what} {array_NM[row, item]}: "
                f"{'packs are' if what == 'pack' else 'places in a pack are'} numbered 0 to {size - 1}"
            )
    place_NM = index_NM * capacity + rank_NM
    twice_NM = np.sort(place_NM, axis=1) != np.arange(num_items)
    if twice_NM.any():
        row = int(np.argwhere(twice_NM)[0][0])
        place = int(np.flatnonzero(np.bincount(place_NM[row], minlength=num_items) > 1)[0])
        raise EplbError(
            f"row {row} puts several items in place {place % capacity} of pack {place // capacity}: "
            f"each pack holds {capacity} items, in places 0 to {capacity - 1}"
        )
    return Packing(index_NM, rank_NM)


def check_replication(made: Any, load: FloatArray, num_slots: int) -> Replication:
    """Return a replication of ``load [N, E]``: every expert has a copy, copies are numbered, counts add up."""
    made = _sound(made, load, Topology(num_slots, 1, 1, 1), "row")
    first_NE = made.phy2log[:, : load.shape[1]]
    if (first_NE != np.arange(load.shape[1])).any():
        row = int(np.argwhere((first_NE != np.arange(load.shape[1])).any(axis=1))[0][0])
        raise EplbError(f"the first {load.shape[1]} columns of phy2log in row {row} are not the experts in order")
    return made


def check_fixed(made: Any, load: FloatArray, replication: Replication) -> Replication:
    """Return a replication that was fixed up, of the same shape."""
    return _sound(made, load, Topology(replication.phy2log.shape[1], 1, 1, 1), "row")


def check_placed(made: Any, load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
    """Return a whole placement of ``load [L, E]`` or ``[W, L, E]``, its columns being slots."""
    return _sound(made, load.reshape(-1, *load.shape[-2:])[-1], topology, "layer")


def check_refined(made: Any, load: FloatArray, slots: IntArray, speed: FloatArray) -> IntArray:
    """Return refined ``slots [N, P]``: a row holds the experts that it held."""
    refined_NP = _of_shape("slots", made, slots.shape)
    for row, (before_P, after_P) in enumerate(zip(slots, refined_NP, strict=True)):
        if not np.array_equal(np.unique(before_P), np.unique(after_P)):
            raise EplbError(f"row {row} does not hold the experts that it held before")
    return refined_NP


def check_aligned(made: Any, load: FloatArray, slots: IntArray, topology: Topology, previous: IntArray) -> IntArray:
    """Return aligned ``slots [L, P]``: every expert has one."""
    return check_rows(_of_shape("slots", made, slots.shape), load.shape[1], topology, None, None, "layer").phy2log


def check_shares(made: Any, load: FloatArray, placement: Placement) -> FloatArray:
    """Return shares ``[L, P]``: none is negative, those of an expert add up to 1."""
    raw = as_numpy(made, "the shares")
    if raw.dtype.kind not in "fiu":
        raise EplbError(f"the shares are {raw.dtype} values: they must be numbers")
    if raw.shape != placement.phy2log.shape:
        raise EplbError(f"the shares have shape {list(raw.shape)}: it must be {list(placement.phy2log.shape)}")
    share_LP = np.asarray(raw, dtype=np.float64)
    if not (np.isfinite(share_LP) & (share_LP >= 0)).all():
        raise EplbError("a share is negative, or no number")
    for layer, (share_P, slots_P) in enumerate(zip(share_LP, placement.phy2log, strict=True)):
        wrong_E = abs(np.bincount(slots_P, share_P, placement.num_experts) - 1) > SHARES_WITHIN
        if wrong_E.any():
            raise EplbError(f"the shares of expert {int(wrong_E.argmax())} of layer {layer} do not add up to 1")
    return share_LP


def check_reaction(made: Any, load: FloatArray, placement: Placement) -> Placement:
    """Return the placement of a step: sound, with shares, and every expert at home as before."""
    _is_a(Placement, made)
    slots_LP = _of_shape("phy2log", made.phy2log, placement.phy2log.shape)
    checked = check_rows(slots_LP, placement.num_experts, placement.topology, made.rank, None, "layer")
    away_LP = (placement.rank == 0) & (slots_LP != placement.phy2log)
    if away_LP.any():
        layer, slot = (int(i) for i in np.argwhere(away_LP)[0])
        raise EplbError(
            f"expert {placement.phy2log[layer, slot]} of layer {layer} is not at home in slot {slot}: the slots of "
            "first copies must stay as they are"
        )
    if made.share is None:
        raise EplbError("it returned a placement without shares")
    return replace(checked, share=check_shares(made.share, load, checked))


CHECKS: dict[str, Callable[..., Any]] = {
    "forecaster": check_forecast,
    "packer": check_packing,
    "replicator": check_replication,
    "fixup": check_fixed,
    "refiner": check_refined,
    "aligner": check_aligned,
    "placer": check_placed,
    "dispatcher": check_shares,
    "reactive": check_reaction,
}
"""By kind of stage: from what it returned and what it was called with to the same in our types."""


def _sound(made: Any, load: FloatArray, topology: Topology, row: str) -> Replication:
    _is_a(Replication, made)
    num_rows, num_experts = load.shape
    phy2log, rank = (_of_shape(n, getattr(made, n), (num_rows, topology.num_slots)) for n in ("phy2log", "rank"))
    logcnt = _of_shape("logcnt", made.logcnt, load.shape)
    check_rows(phy2log, num_experts, topology, rank, logcnt, row)
    return Replication(phy2log, rank, logcnt)


def _copy(given: Any) -> Any:
    if isinstance(given, Replication):
        return Replication(*(array.copy() for array in given))
    if isinstance(given, Placement):
        return replace(given, **{name: _copy(getattr(given, name)) for name in ("phy2log", "rank", "share")})
    return given.copy() if isinstance(given, np.ndarray) else given


def _is_a(wanted: type, made: Any) -> None:
    if not isinstance(made, wanted):
        raise EplbError(f"it returned a {type(made).__name__}: it must return a {wanted.__name__}")


def _of_shape(name: str, array: Any, shape: tuple[int, ...]) -> IntArray:
    numbers = whole_numbers(name, array, len(shape))
    if numbers.shape != shape:
        raise EplbError(f"{name} has shape {list(numbers.shape)}: it must be {list(shape)}")
    return numbers
