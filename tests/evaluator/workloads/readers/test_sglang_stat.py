"""A .pt of SGLang: tensors of whole numbers, nothing else is unpickled, no claim is believed."""

from __future__ import annotations

import io
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch

from eplb_variants import EplbError
from evaluator.bench.damage import archive_of, members_of, samples
from evaluator.workloads.readers import read_trace


def saved(content):
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64, torch.float32, torch.bfloat16])
def test_tensors_of_any_type_are_read(tmp_path, dtype):
    given = torch.arange(24).reshape(2, 3, 4).to(dtype)
    torch.save({"logical_count": given, "rank": 0}, tmp_path / "x.pt")
    np.testing.assert_array_equal(read_trace(tmp_path / "x.pt").counts, np.arange(24).reshape(2, 3, 4))


def test_one_step_is_a_trace_of_one(tmp_path):
    torch.save({"logical_count": torch.ones(3, 4, dtype=torch.int32)}, tmp_path / "x.pt")
    assert read_trace(tmp_path / "x.pt").counts.shape == (1, 3, 4)


def test_nothing_is_unpickled(tmp_path):
    """A .pt whose pickle would run a command is refused, and the command is not run."""
    marker = tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return os.system, (f"touch {marker}",)

    torch.save({"logical_count": Bomb()}, tmp_path / "bomb.pt", pickle_module=pickle)
    with pytest.raises(EplbError, match="has no part in a tensor: nothing of it was loaded"):
        read_trace(tmp_path / "bomb.pt")
    assert not marker.exists()


@pytest.mark.parametrize("name", ["__builtin__ bytearray", "torch Tensor", "torch._utils _rebuild_wrapper_subclass"])
def test_nothing_is_called_that_takes_a_size(refused, name):
    """Torch's own unpickler would call these, with two billion for a size."""
    members = members_of(samples("sglang_stat")[0])
    (pkl,) = (member for member in members if member.endswith("data.pkl"))
    members[pkl] = b"\x80\x02c" + name.replace(" ", "\n").encode() + b"\n(J\xff\xff\xff\x7ftR."
    assert f"it names {name!r}" in refused(archive_of(members))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"logical_count": torch.ones(1, dtype=torch.int32).expand(1 << 20, 58, 256)}, "more than it holds"),
        ({"logical_count": torch.ones(2, 3, 4) * 0.5}, "whole numbers"),
        ({"logical_count": torch.ones(2, 3, 4) * float("nan")}, "whole numbers"),
        ({"logical_count": torch.ones(2, 3, 4, dtype=torch.bool)}, "whole numbers"),
        ({"logical_count": -torch.ones(2, 3, 4)}, "negative count"),
        ({"logical_count": torch.ones(2)}, "has shape [2]"),
        ({"logical_count": None}, "holds NoneType values"),
        ({"x\x1b[31m": 1}, "no 'logical_count', but 'x\\x1b[31m'"),
        ([1], "no 'logical_count', but list"),
    ],
)
def test_what_holds_no_counts_is_refused(refused, content, says):
    assert says in refused(saved(content))


def test_an_archive_that_torch_would_not_write_is_refused(refused):
    members = members_of(samples("sglang_stat")[0])
    assert "which torch.save never does" in refused(archive_of(members, zipfile.ZIP_DEFLATED))
    assert "2 entries 'data.pkl'" in refused(archive_of({**members, "other/data.pkl": b"."}))
    (pkl,) = (member for member in members if member.endswith("data.pkl"))
    assert "which is too much" in refused(archive_of({**members, pkl: b"]" * (1 << 21)}))
