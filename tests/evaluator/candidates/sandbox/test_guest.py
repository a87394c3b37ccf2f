"""What a child makes of a program's answer and of its errors, tried in this process."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evaluator.candidates.sandbox import guest, wire

CALL = wire.Call(np.zeros((2, 4), dtype=np.float32), 6, 1, 1, 2, 0)


def answered(value):
    """Return what arrives of an answer."""
    return wire.unpack_arrays(guest._call(lambda *_: value, CALL))


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
        np.array([[1, 2]]),
        [torch.tensor([[1, 2]])],
        (torch.tensor([[1, 2]]), None, None),
        torch.tensor([[1, 2]]).as_subclass(torch.nn.Parameter),
    ],
)
def test_integers_arrive_whatever_holds_them(value):
    first, *others = answered(value)
    assert first.tolist() == [[1, 2]]
    assert others == [None, None]


@pytest.mark.parametrize("value", [torch.zeros(2), torch.zeros(2, dtype=torch.bool), 0.5, "phy2log", [["a"]]])
def test_what_is_no_integer_is_refused(value):
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        answered(value)


def test_a_fourth_array_is_left_behind():
    assert [array.item() for array in answered((torch.tensor(1), torch.tensor(2), torch.tensor(3), "x"))] == [1, 2, 3]


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
