"""The channel: what is sent comes back, and nothing that a stranger writes does more than raise."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from evaluator.candidates.sandbox import wire

ARRAYS = st.lists(st.none() | arrays(np.int64, array_shapes(max_dims=4, max_side=5)), min_size=1, max_size=3)


@given(ARRAYS)
def test_arrays_come_back(given_arrays):
    back = wire.unpack_arrays(wire.pack_arrays(given_arrays))
    assert len(back) == len(given_arrays)
    for a, b in zip(given_arrays, back, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a, b)


@given(st.binary(max_size=200))
def test_any_bytes_are_arrays_or_an_error(payload):
    try:
        arrays_found = wire.unpack_arrays(payload)
    except wire.WireError:
        return
    assert sum(8 * a.size for a in arrays_found if a is not None) <= len(payload)


@given(ARRAYS, st.integers(0, 2**64 - 1), st.integers(0, 60))
def test_a_changed_number_is_an_answer_or_an_error(given_arrays, number, position):
    payload = bytearray(wire.pack_arrays(given_arrays))
    at = position % (len(payload) // 8) * 8
    payload[at : at + 8] = number.to_bytes(8, "little")
    with contextlib.suppress(wire.WireError):
        found = wire.unpack_arrays(bytes(payload))
        assert sum(8 * a.size for a in found if a is not None) <= len(payload)


def test_a_call_comes_back():
    load = np.random.default_rng(0).random((3, 5)).astype(np.float32)
    call = wire.unpack_call(bytearray(wire.pack_call(wire.Call(load, 8, 1, 1, 2))))
    np.testing.assert_array_equal(call.load, load)
    assert call[1:] == (8, 1, 1, 2)
    call.load[:] = 0  # the program may write to what it is given


@pytest.mark.parametrize("shape", [(3, 5), (0, 4), (700, 900), (1, 2, 3, 4)])
def test_what_is_sent_in_one_piece_is_what_is_packed(shape):
    array = np.arange(np.prod(shape, dtype=int), dtype=np.int64).reshape(shape)
    several = [array, None, array[:1]]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sending = threading.Thread(target=wire.send_arrays, args=(ours, wire.RESULT, several))
        sending.start()
        kind, payload = wire.receive(theirs, time.monotonic() + 10)
        sending.join()
    assert (kind, payload) == (wire.RESULT, wire.pack_arrays(several))


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_a_seed_comes_back(seed):
    assert wire.unpack_seed(wire.pack_seed(seed)) == seed


@pytest.mark.parametrize("shapes", [[], [(0,)], [(2, 3), (5,), (4, 1, 2)]])
def test_the_size_of_arrays_is_that_of_their_bytes(shapes):
    arrays = [np.zeros(shape, dtype=np.int64) for shape in shapes]
    assert wire.size_of_arrays(*shapes) == len(wire.pack_arrays(arrays))


@pytest.fixture
def channel():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_messages_keep_their_kind_and_length(channel):
    ours, theirs = channel
    wire.send(ours, wire.CALL, b"x" * 1000)
    wire.send(ours, wire.LOADED)
    assert wire.receive(theirs) == (wire.CALL, b"x" * 1000)
    assert wire.receive(theirs) == (wire.LOADED, b"")


def test_silence_is_late_and_an_end_is_closed(channel):
    ours, theirs = channel
    with pytest.raises(wire.Late):
        wire.receive(ours, time.monotonic() + 0.01)
    ours.sendall(b"abc")
    with pytest.raises(wire.Late):
        wire.receive(theirs, time.monotonic() + 0.01)
    ours.close()
    with pytest.raises(wire.Closed):
        wire.receive(theirs)


def test_a_message_too_large_is_not_read(channel):
    ours, theirs = channel
    ours.sendall(wire.FRAME.pack(wire.RESULT, 1 << 60))
    with pytest.raises(wire.WireError, match="at most"):
        wire.receive(theirs)
