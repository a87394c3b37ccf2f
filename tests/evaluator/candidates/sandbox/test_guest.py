"""What a child makes of a program's answer and of its errors, tried in this process."""

from __future__ import annotations

import socket

import numpy as np
import pytest
import torch

from evaluator.candidates.sandbox import guest, wire

CALL = wire.pack_call(wire.Call(np.zeros((2, 4), dtype=np.float32), 6, 1, 1, 2))


@pytest.fixture
def answered():
    """Return a function from what a program returns to the arrays that arrive, and the kinds of their messages."""
    ours, theirs = socket.socketpair()

    def arrive(value):
        guest._answer(theirs, lambda *_: value, bytearray(CALL))
        kinds, arrays = [], []
        while not wire.is_silent(ours):
            kind, content = wire.receive(ours)
            kinds.append(kind)
            arrays += wire.unpack_arrays(content) if kind != wire.ERROR else [content]
        return kinds, arrays

    with ours, theirs:
        yield arrive


class Lazy(torch.Tensor):
    """A tensor that makes its values when it is looked at."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return super().__torch_function__(func, types, args, kwargs or {})


@pytest.mark.parametrize(
    "value",
    [
        torch.tensor([[1, 2]]).as_subclass(Lazy),
        torch.tensor([[1, 2]]),
        torch.tensor([[1, 2]], dtype=torch.int32),
        torch.tensor([[1.0, 2.0]]),
        np.array([[1.0, 2.0]]),
        [[[1, 2]]],
        np.array([[1, 2]]),
        [torch.tensor([[1, 2]])],
        (torch.tensor([[1, 2]]), None, None),
        torch.tensor([[1, 2]]).as_subclass(torch.nn.Parameter),
    ],
)
def test_integers_arrive_whatever_holds_them(answered, value):
    kinds, (first, *others) = answered(value)
    assert kinds == [wire.RESULT, wire.MAPS]
    assert first.tolist() == [[1, 2]]
    assert others == [None, None]


@pytest.mark.parametrize(
    "value",
    [
        torch.tensor([float("nan")]),
        torch.zeros(2, dtype=torch.bool),
        0.5,
        1e30,
        np.array([0.5], dtype=object),
        np.array([0.5], ">f8"),
        "phy2log",
        [["a"]],
    ],
)
def test_what_is_no_integer_is_refused(answered, value):
    kinds, (told,) = answered(value)
    assert kinds == [wire.ERROR]
    assert told.split(b"\n")[0] in (b"TypeError", b"ValueError", b"RuntimeError")


def test_a_map_that_is_none_is_told_after_the_placement(answered):
    kinds, (placement, told) = answered((torch.tensor([1]), "log2phy"))
    assert kinds == [wire.RESULT, wire.ERROR]
    assert placement.tolist() == [1]
    assert told.startswith(b"TypeError") or told.startswith(b"ValueError")


def test_a_fourth_array_is_left_behind(answered):
    _, arrays = answered((torch.tensor(1), torch.tensor(2), torch.tensor(3), "x"))
    assert [array.item() for array in arrays] == [1, 2, 3]


def test_an_error_is_its_type_its_line_and_its_message():
    with pytest.raises(ZeroDivisionError) as caught:
        exec(compile("\n\n1 / 0", "candidate.py", "exec"))
    assert guest._describe(caught.value) == b"ZeroDivisionError\n3\ndivision by zero"


def test_an_error_that_cannot_be_printed_is_its_type():
    class Sly(Exception):
        def __str__(self):
            raise RuntimeError

    assert guest._describe(Sly()) == b"Sly\n0\n"
    assert len(guest._describe(ValueError("x" * 10**5))) == wire.LARGEST_ERROR
