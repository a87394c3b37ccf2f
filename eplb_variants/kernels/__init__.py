"""Compiled versions of stages: the same answers as the readable ones, slot by slot, in a fraction of the time.

A module of this package holds kernels for some stages; the decorator ``compiles`` beside each says which stage it
answers for, and how it takes part in the fused pipeline, if it does. Kernels run without the interpreter's lock, are
compiled once and kept on disk. A stage without a kernel is called as it is, so that a stranger's composes with ours.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache, partial
from inspect import isfunction
from typing import Any, NamedTuple, TypeVar

from eplb_variants.errors import EplbError

Fused = Callable[[Any, int, int], Any]
"""From a stage, the experts and the slots of a row to its part in the pipeline; None where it has none."""


class _Kernel(NamedTuple):
    call: Callable[..., Any]
    fused: Fused | None


_kernels: dict[Any, _Kernel] = {}
_T = TypeVar("_T", bound=Callable[..., Any])


def compiles(stage: Callable[..., Any], *, fused: Fused | None = None) -> Callable[[_T], _T]:
    """Return a decorator for a stage's kernel: a function of the stage and of what the stage is called with.

    Args:
        stage: the plain function, or the class, that was registered.
        fused: how it takes part in ``kernels/pipeline.py``: called with the stage, the experts and the slots of a row,
            it returns a ``Growth`` (replicators), ``UNMOVED`` (fix-ups that change nothing there) or a ``PackRule``
            (packers), or None. Without it the stage is composed with others, array by array.

    Raises:
        EplbError: another module has a kernel for the stage.
    """

    def decorate(call: _T) -> _T:
        known = _kernels.get(stage)
        if known is not None and known.call.__module__ != call.__module__:
            raise EplbError(f"{stage.__qualname__} has a kernel in {known.call.__module__} already")
        _kernels[stage] = _Kernel(call, fused)
        return call

    return decorate


def accelerate(stage: Any) -> Any:
    """Return a callable that answers as ``stage`` does, compiled where there is a kernel for it."""
    kernel = _of(stage)
    return stage if kernel is None else partial(kernel.call, stage)


def fused(stage: Any, num_experts: int, num_slots: int) -> Any:
    """Return how a stage takes part in the pipeline for rows of that many experts and slots; None where it does not."""
    kernel = _of(stage)
    return None if kernel is None or kernel.fused is None else kernel.fused(stage, num_experts, num_slots)


def compiled_stages() -> list[Any]:
    """Return the functions and classes of all stages that have a kernel."""
    _discover()
    return list(_kernels)


def _of(stage: Any) -> _Kernel | None:
    _discover()
    return _kernels.get(stage if isfunction(stage) else type(stage))


@cache
def _discover() -> None:
    """Import every module of this package once, saying so where that compiles something."""
    from eplb_variants.kernels.ahead import import_all, prepare

    prepare(logging.getLogger(__name__).warning, others=False)
    import_all(others=False)
