"""The canonical .npz: what is known comes back, nothing is unpickled, no claim is believed."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from eplb_variants import EplbError
from evaluator.bench.damage import archive_of, npy_header
from evaluator.workloads.readers import read_trace
from evaluator.workloads.readers.whole import METADATA


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_what_is_known_is_kept(recording, trace):
    back = read_trace(recording("canonical_npz"))
    for name in METADATA:
        assert getattr(back, name) == getattr(trace, name), name


def test_an_archive_of_something_else(tmp_path, counts):
    np.savez(tmp_path / "other.npz", weights=counts)
    with pytest.raises(EplbError, match=r"an archive of weights.npy"):
        read_trace(tmp_path / "other.npz")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<u1", ">i4", "<u8", "<f2", "<f8"])
def test_counts_of_any_type_are_read(tmp_path, order, dtype):
    given = np.arange(24).reshape(2, 3, 4).astype(dtype, order=order)
    np.savez(tmp_path / "x.npz", counts=given)
    np.testing.assert_array_equal(read_trace(tmp_path / "x.npz").counts, given)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (npy_header("'<i8'", (1 << 40, 58, 256)), "said to hold 16,325,548,649,218,048 numbers"),
        (npy_header("'<i8'", (1 << 20, 1, 1)), "said to have the shape"),
        (npy_header("'<i8'", (-1, 3, 4)), "said to hold -12 numbers"),
        (npy_header("'<i8'", (-2, -3, 4)), "said to have the shape"),
        (npy_header("'O'", (2, 3, 4)), "pickled objects: only numbers are read"),
        (npy_header("'<U100000'", (2, 3, 4)), "holds <U100000 values"),
        (npy_header("(" * 90, (2, 3, 4)), "cannot be read"),
        (b"nothing like it", "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_a_header_that_claims_what_cannot_be_is_refused(refused, header, says):
    assert says in refused(archive_of({"counts.npy": header + bytes(8 * 24)}))


def test_objects_are_never_unpickled(refused, tmp_path):
    marker = tmp_path / "ran"

    class Bomb:
        def __reduce__(self):
            return open, (str(marker), "w")

    assert "pickled objects" in refused(npz(counts=np.array([[[Bomb()]]], dtype=object)))
    assert "pickled objects" in refused(npz(counts=np.ones((1, 1, 1), dtype=int), model=np.array(Bomb())))
    assert not marker.exists()


def test_a_member_that_cannot_be_unpacked_in_pieces_is_refused(refused):
    """bzip2 and lzma unpack all of what is given to them at once, whatever it comes to."""
    inside = npy_header("'<i8'", (2, 3, 4)) + bytes(8 * 24)
    assert "compressed by method 12" in refused(archive_of({"counts.npy": inside}, zipfile.ZIP_BZIP2))


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ({"model": np.array(5)}, "its 'model' is no text"),
        ({"top_k": np.array("x")}, "its 'top_k' is no whole number"),
        ({"layer_ids": np.arange(400)}, "400 'layer_ids'"),
        ({"layer_ids": np.array([["x"]])}, "its 'layer_ids' is no whole number"),
        ({"source": np.array("x" * (1 << 20))}, "which is too much"),
    ],
)
def test_what_is_known_must_be_of_its_kind(refused, known, says):
    assert says in refused(npz(counts=np.ones((2, 3, 4), dtype=int), **known))
