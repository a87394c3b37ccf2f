"""Damage to .npz: headers that claim what cannot be, and sound arrays of what is not asked for."""

from __future__ import annotations

import io
import zipfile

import numpy as np
from numpy.random import Generator

from evaluator.bench.damage.archives import ARCHIVE, archive_of, members_of, npy_header
from evaluator.bench.damage.common import Damage, pick, sample_trace, written
from evaluator.workloads.readers import canonical_npz
from evaluator.workloads.readers.whole import METADATA


def break_header(content: bytes, generator: Generator) -> bytes:
    """Claim another shape or type for an array."""
    types: tuple[str, ...] = (
        "'<i8'",
        "'<u2'",
        "'O'",
        "'|O'",
        "'<U100000'",
        "'<f8'",
        "'<f2'",
        "'|b1'",
        "'<c16'",
        "'>i4'",
        "'<M8[s]'",
    )
    types += ("[('a', '<i4')]", "'|V8'", "'x'", "None", "(" * 300, "'<i8' * 10**9")
    shapes: tuple[object, ...] = ((6, 3, 16), (1 << 40, 58, 256), (-1, 3, 16), (1 << 62, 4, 2), (0, 3, 16), (), (6, 48))
    shapes += ((1, 1, 6, 3, 16), "'x'", None, (2.5, 1, 1), (True, 3, 16), "(" * 90, (6, -3, -16))
    versions = (b"\x01\x00", b"\x01\x00", b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x09")
    members = members_of(content)
    if not members:
        return content
    name = pick(["counts.npy", *sorted(members)], generator)
    header = npy_header(pick(types, generator), pick(shapes, generator), pick(versions, generator))
    values = pick((members.get(name, b"")[128:], generator.bytes(6 * 3 * 16 * 8), b""), generator)
    return archive_of({**members, name: header + values})


def exchange_arrays(content: bytes, generator: Generator) -> bytes:
    """Put in sound arrays of what is not asked for, pickled objects among them."""
    shape = (6, 3, 16)
    arrays = {
        "counts": pick(
            (
                np.full(shape, np.nan),
                np.full(shape, 1e300),
                np.full(shape, -5),
                np.full(shape, 2**63, dtype=np.uint64),
                np.full(shape, 1.5, dtype=np.float16),
                np.full(shape, "x" * 100),
                np.full(shape, {"a": 1}, dtype=object),
                np.zeros(shape, dtype=bool),
                np.zeros((6, 3), dtype=int),
                np.zeros((6, 0, 16), dtype=int),
                np.zeros(shape, dtype=complex),
                np.asfortranarray(np.ones(shape, dtype=np.uint8)),
            ),
            generator,
        ),
        pick(METADATA, generator): pick(
            (np.array("\x1b[31m\n"), np.array(1.5), np.arange(400), np.array([["x"]]), np.array(None), np.array(2**63)),
            generator,
        ),
    }
    file = io.BytesIO()
    np.savez(file, allow_pickle=True, **arrays)
    return archive_of(members_of(file.getvalue()))


def npz_samples() -> tuple[bytes, ...]:
    """Return an .npz with all that is known, deflated, and one with the counts alone, stored."""
    whole = members_of(written(canonical_npz.write, ".npz"))
    file = io.BytesIO()
    np.savez(file, counts=sample_trace().counts.astype(np.uint16))
    return archive_of(whole, zipfile.ZIP_DEFLATED), archive_of(members_of(file.getvalue()))


NPZ: tuple[Damage, ...] = (*ARCHIVE, break_header, break_header, exchange_arrays)
