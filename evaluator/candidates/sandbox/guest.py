"""A candidate within its process: loaded, asked, and its answers brought into plain integers.

Whatever runs here shares an interpreter with a stranger's program: nothing that it says of itself is believed.
"""

from __future__ import annotations

import random
import socket
import types
from typing import Any

import numpy as np

from evaluator.candidates.sandbox import wire


def answer_calls(channel: socket.socket, source: str) -> None:
    """Load a program and answer calls of it until the judge goes away."""
    module = types.ModuleType("candidate")
    try:
        exec(compile(source, "candidate.py", "exec"), module.__dict__)
        place = module.__dict__.get("rebalance_experts")
        if not callable(place):
            raise AttributeError("the program has no function rebalance_experts")
    except BaseException as error:
        wire.send(channel, wire.ERROR, _describe(error))
        return
    wire.send(channel, wire.LOADED)
    while True:
        try:
            kind, payload = wire.receive(channel)
        except wire.Closed:
            return
        if kind == wire.CALL:
            try:
                answer = _call(place, wire.unpack_call(payload))
            except BaseException as error:
                wire.send(channel, wire.ERROR, _describe(error))
            else:
                wire.send(channel, wire.RESULT, answer)


def _call(place: Any, call: wire.Call) -> bytes:
    import torch

    random.seed(call.seed)
    np.random.seed(call.seed)  # noqa: NPY002 - programs that draw from the global generator
    torch.manual_seed(call.seed)
    answer = place(torch.from_numpy(call.load), call.num_replicas, call.num_groups, call.num_nodes, call.num_gpus)
    arrays = list(answer) if isinstance(answer, tuple | list) else [answer]
    return wire.pack_arrays([_integers(array) for array in (*arrays, None, None)[:3]])


def _integers(values: Any) -> np.ndarray | None:
    """Return plain integers, whatever kind of tensor or list came; a float, a boolean or an object is refused."""
    import torch

    if values is None:
        return None
    tensor = torch.as_tensor(values).detach().cpu()
    if tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool:
        raise TypeError(f"placements are integers, not {tensor.dtype}")
    return np.array(tensor.to(torch.int64).numpy(), dtype=np.int64, copy=True)


def _describe(error: BaseException) -> bytes:
    """Return the type of an error, the line of the program it comes from and its message, each on a line."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "candidate.py":
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
