"""What goes over the channel between the judge and a candidate's process: framed bytes, never pickles.

Shapes: L layers, E logical experts, P slots.
"""

from __future__ import annotations

import math
import select
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LOAD, LOADED, SEED, READY, CALL, RESULT, MAPS, ERROR = range(8)
"""Kinds of message: a program's source; it is loaded; a seed; random numbers are seeded; a load to place; its
``phy2log``; the other maps of the answer; what went wrong."""

FRAME = struct.Struct("<IQ")
CALL_HEAD = struct.Struct("<6q")
SEED_HEAD = struct.Struct("<q")
NOTHING = struct.pack("<q", -1)
"""In place of an array that is missing."""
LARGEST = 1 << 28
"""Bytes of a message at most: a placement of the largest topologies is a hundredth of it."""
LARGEST_ERROR = 4096


class WireError(Exception):
    """The other side sent what is no message of this protocol, or nothing in time, or went away."""


class Closed(WireError):
    """The other side went away."""


class Late(WireError):
    """Nothing came in time."""


class Call(NamedTuple):
    """A load to place."""

    load: NDArray[np.float32]
    num_replicas: int
    num_groups: int
    num_nodes: int
    num_gpus: int


def send(channel: socket.socket, kind: int, payload: bytes = b"") -> None:
    """Send a message; Closed if nobody is there to read it."""
    _send(channel, FRAME.pack(kind, len(payload)) + payload)


def send_arrays(channel: socket.socket, kind: int, arrays: Sequence[NDArray[np.int64] | None]) -> None:
    """Send what ``send`` does of ``pack_arrays`` of contiguous arrays, which are copied but once; Closed as there."""
    parts: list[Any] = [b"", struct.pack("<q", len(arrays))]
    size = 8
    for array in arrays:
        if array is None:
            parts.append(NOTHING)
            size += 8
        else:
            parts += (struct.pack(f"<{1 + array.ndim}q", array.ndim, *array.shape), array.data)
            size += 8 * (1 + array.ndim) + array.nbytes
    parts[0] = FRAME.pack(kind, size)
    _send(channel, b"".join(parts))


def _send(channel: socket.socket, message: bytes) -> None:
    try:
        channel.sendall(message)
    except (BrokenPipeError, ConnectionResetError):
        raise Closed("the process went away") from None
    except TimeoutError:
        raise Late("the process does not read") from None


def receive(channel: socket.socket, deadline: float | None = None, largest: int = LARGEST) -> tuple[int, bytearray]:
    """Return the kind and payload of the next message.

    Raises:
        Late: it was not there, whole, at ``deadline`` (of ``time.monotonic``).
        Closed: the other side went away.
        WireError: it claims to be larger than ``largest``.
    """
    kind, length = FRAME.unpack(_exactly(channel, FRAME.size, deadline))
    largest = LARGEST_ERROR if kind == ERROR else largest
    if length > largest:
        raise WireError(f"a message of {length} bytes was announced: at most {largest} are read")
    return kind, _exactly(channel, length, deadline)


def is_silent(channel: socket.socket) -> bool:
    """Return whether nothing waits to be read, and the other side is there."""
    return not select.select([channel], [], [], 0)[0]


def size_of_arrays(*shapes: tuple[int, ...]) -> int:
    """Return how many bytes arrays of such shapes take, as ``pack_arrays`` writes them."""
    return 8 + sum(8 * (1 + len(shape) + math.prod(shape)) for shape in shapes)


def _exactly(channel: socket.socket, size: int, deadline: float | None) -> bytearray:
    buffer = bytearray(size)
    view, got = memoryview(buffer), 0
    while got < size:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([channel], [], [], left)[0]:
                raise Late("no answer in time")
        try:
            count = channel.recv_into(view[got:])
        except ConnectionResetError:
            count = 0
        if count == 0:
            raise Closed("the process went away")
        got += count
    return buffer


def pack_call(call: Call) -> bytes:
    """Return a call as bytes."""
    num_layers, num_experts = call.load.shape
    head = CALL_HEAD.pack(num_layers, num_experts, call.num_replicas, call.num_groups, call.num_nodes, call.num_gpus)
    return head + np.ascontiguousarray(call.load, dtype=np.float32).tobytes()


def unpack_call(payload: bytearray) -> Call:
    """Return the call that bytes hold; its load is a view of them."""
    num_layers, num_experts, replicas, groups, nodes, gpus = CALL_HEAD.unpack_from(payload)
    load = np.frombuffer(payload, dtype=np.float32, offset=CALL_HEAD.size).reshape(num_layers, num_experts)
    return Call(load, replicas, groups, nodes, gpus)


def pack_seed(seed: int) -> bytes:
    """Return a seed, ``0 <= seed < 2**32``, as bytes."""
    return SEED_HEAD.pack(seed)


def unpack_seed(payload: bytes | bytearray) -> int:
    """Return the seed that bytes hold."""
    seed: int = SEED_HEAD.unpack(payload)[0]
    return seed


def pack_arrays(arrays: list[NDArray[np.int64] | None]) -> bytes:
    """Return integer arrays, some of which may be missing, as bytes."""
    parts = [struct.pack("<q", len(arrays))]
    for array in arrays:
        if array is None:
            parts.append(NOTHING)
        else:
            plain = np.ascontiguousarray(array, dtype="<i8")
            parts.append(struct.pack(f"<{1 + plain.ndim}q", plain.ndim, *plain.shape))
            parts.append(plain.tobytes())
    return b"".join(parts)


def unpack_arrays(payload: bytes | bytearray) -> list[NDArray[np.int64] | None]:
    """Return the arrays that bytes from a stranger hold; WireError where they hold none."""
    numbers = np.frombuffer(payload[: len(payload) // 8 * 8], dtype="<i8")
    position = 0

    def take(count: int) -> NDArray[np.int64]:
        nonlocal position
        if not 0 <= count <= numbers.size - position:
            raise WireError("the answer ends before its arrays do")
        position += count
        return numbers[position - count : position]

    arrays: list[NDArray[np.int64] | None] = []
    count = int(take(1)[0])
    if not 0 <= count <= 3:
        raise WireError("the answer holds more than three arrays")
    for _ in range(count):
        ndim = int(take(1)[0])
        if ndim == -1:
            arrays.append(None)
            continue
        if not 0 <= ndim <= 4:
            raise WireError("the answer holds an array of more than four axes")
        shape = [int(n) for n in take(ndim)]
        size = 1
        for extent in shape:
            size *= max(extent, 1)  # an axis of none does not make the others possible
            if not 0 <= extent <= LARGEST or size > LARGEST:
                raise WireError("the answer holds an array of impossible shape")
        arrays.append(take(size if all(shape) else 0).reshape(shape).copy())
    if len(payload) != position * 8:
        raise WireError("the answer goes on after its arrays")
    return arrays
