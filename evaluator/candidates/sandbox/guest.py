"""A candidate within its process: loaded, asked, and its answers brought into plain integers.

Whatever runs here shares an interpreter with a stranger's program: nothing that it says of itself is believed.
"""

from __future__ import annotations

import contextlib
import linecache
import random
import socket
import sys
import types
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from evaluator.candidates.sandbox import wire

NAME, FILE = "candidate", "candidate.py"
"""What the program's module is called, and its file in the scratch folder, which errors name."""


def answer_calls(channel: socket.socket, source: str) -> None:
    """Load a program and answer calls of it until the judge goes away.

    Each call is two messages. The first brings the seed, and is answered when all random numbers have been seeded. The
    second brings the load, and is answered by ``phy2log`` and then, in a message of its own, by the other maps. So the
    clock, which runs from the load to ``phy2log``, sees the program and nothing that is not its affair.
    """
    try:
        with contextlib.suppress(OSError):  # where there is no room for it, Numba cannot keep what it compiles
            Path(FILE).write_text(source, encoding="utf-8")
        place = loaded(source)
    except BaseException as error:
        wire.send(channel, wire.ERROR, _describe(error))
        return
    wire.send(channel, wire.LOADED)
    while True:
        try:
            kind, payload = wire.receive(channel)
        except wire.Closed:
            return
        if kind == wire.SEED:
            _told(channel, wire.READY, partial(_seed, payload))
        elif kind == wire.CALL:
            _answer(channel, place, payload)


def loaded(source: str) -> Callable[..., Any]:
    """Return ``rebalance_experts`` of a program, loaded as a module that its own code can find.

    Raises:
        Exception: whatever the program raises; AttributeError where it has no such function.
    """
    module = types.ModuleType(NAME)
    module.__file__ = FILE
    sys.modules[NAME] = module  # where dataclasses, pickles and type hints look up what belongs to it
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    # what this file imports from __future__ is no business of the program
    exec(compile(source, FILE, "exec", dont_inherit=True), module.__dict__)
    place = module.__dict__.get("rebalance_experts")
    if not callable(place):
        raise AttributeError("the program has no function rebalance_experts")
    return place


def _answer(channel: socket.socket, place: Callable[..., Any], payload: bytearray) -> None:
    """Send ``phy2log`` as soon as it is there in plain integers, then the other maps.

    A program could spare itself whatever is done here under the clock: so it is as little as can be.
    """
    try:
        call = wire.unpack_call(payload)
        answer = place(torch.from_numpy(call.load), call.num_replicas, call.num_groups, call.num_nodes, call.num_gpus)
        several = isinstance(answer, tuple) or (isinstance(answer, list) and not _is_rows(answer))
        arrays = answer if several else (answer,)
        first = arrays[0] if arrays else None
        plain = [_integers(first)]
    except BaseException as error:
        wire.send(channel, wire.ERROR, _describe(error))
        return
    wire.send_arrays(channel, wire.RESULT, plain)
    try:
        plain = [_integers(one) for one in [*arrays[1:3], None, None][:2]]
    except BaseException as error:
        wire.send(channel, wire.ERROR, _describe(error))
        return
    wire.send_arrays(channel, wire.MAPS, plain)


def _is_plain(values: Any) -> bool:
    """Return whether values are what goes over the channel already."""
    return type(values) is np.ndarray and values.dtype == np.int64 and values.flags.c_contiguous


def _is_rows(answer: list[Any]) -> bool:
    """Return whether a list holds the rows of ``phy2log``, and not some arrays."""
    return bool(answer) and answer[0] is not None and np.ndim(answer[0]) == 1


def _told(channel: socket.socket, kind: int, make: Callable[[], bytes]) -> bool:
    """Send what is made, or what went wrong; return whether nothing did."""
    try:
        content = make()
    except BaseException as error:
        wire.send(channel, wire.ERROR, _describe(error))
        return False
    wire.send(channel, kind, content)
    return True


def _seed(payload: bytearray) -> bytes:
    seed_all(wire.unpack_seed(payload))
    return b""


def seed_all(seed: int) -> None:
    """Seed whatever a program may draw random numbers from: Python's, NumPy's and torch's global generators."""
    for seed_one in _seeders():
        seed_one(seed)


@cache
def _seeders() -> tuple[Callable[[int], object], ...]:
    """Return the functions that seed, as they were before a program was loaded."""
    return random.seed, np.random.seed, torch.default_generator.manual_seed


def _integers(values: Any) -> np.ndarray | None:
    """Return plain integers, whatever kind of tensor or list came; what is no whole number is refused.

    Engines take ``phy2log`` as an index, so that whole numbers in a tensor of floats are taken too.
    """
    if values is None or _is_plain(values):
        return values
    if isinstance(values, np.ndarray):
        plain = np.array(values.tolist()) if values.dtype == object else values
        values = plain.astype(plain.dtype.newbyteorder("="))
    rows = isinstance(values, tuple | list) and all(isinstance(row, torch.Tensor) for row in values)
    if type(values) is torch.Tensor and values.dtype is torch.int64 and values.is_contiguous() and not values.is_neg():
        return values.numpy()
    try:
        tensor = (torch.stack(list(values)) if rows and len(values) else torch.as_tensor(values)).detach().cpu()
    except RuntimeError as error:
        what = type(values).__name__
        raise TypeError(f"a placement is an array of integers, which a {what} is not: {error}") from None
    if tensor.is_complex() or tensor.dtype == torch.bool:
        raise TypeError(f"placements are integers, not {tensor.dtype}")
    whole = tensor.to(torch.int64).resolve_neg()
    if tensor.is_floating_point() and not torch.equal(whole.to(tensor.dtype), tensor):
        raise TypeError(f"placements are integers, and this {tensor.dtype} has others")
    return np.array(whole.numpy(), dtype=np.int64, order="C")


def _describe(error: BaseException) -> bytes:
    """Return the type of an error, the line of the program it comes from and its message, each on a line."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, SyntaxError):
        line = error.lineno or 0
    try:
        message = str(error)
    except BaseException:
        message = ""
    text = f"{type(error).__name__}\n{line}\n{message}"
    return text.encode("utf-8", "replace")[: wire.LARGEST_ERROR]
