"""Damaged recordings of every format: what a reader may be given, the same for the same format and number.

A damage is a function of whole files and a generator that returns a broken one. Some break bytes wherever they stand;
others know the format and break what it says of itself, so that the damage reaches what stands behind checksums.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache

import numpy as np

from evaluator.bench.damage import arrays, tables, tensors, texts
from evaluator.bench.damage.anywhere import BYTES
from evaluator.bench.damage.common import Damage, pick

FORMATS: dict[str, tuple[Callable[[], tuple[bytes, ...]], tuple[Damage, ...]]] = {
    "canonical_npz": (arrays.npz_samples, arrays.NPZ),
    "canonical_parquet": (tables.parquet_samples, tables.PARQUET),
    "sglang_stat": (tensors.sglang_samples, tensors.TENSORS),
    "adrs": (texts.adrs_samples, texts.JSON),
    "logical_count": (texts.logical_count_samples, texts.JSON),
}
"""Whole files of each format, by the name of its reader, and the damages that know it."""


def damaged(name: str, number: int, seed: int = 0) -> bytes:
    """Return the content of a damaged file; one in fifty is whole.

    Args:
        name: of the format, one of ``FORMATS``.
        number: which file, from 0.
        seed: of all.
    """
    generator = np.random.default_rng([seed, zlib.crc32(name.encode()), number])
    content = pick(samples(name), generator)
    if generator.random() < 0.02:
        return content
    own = FORMATS[name][1]
    for _ in range(int(generator.choice([1, 1, 1, 2, 3]))):
        kinds = own if own and generator.random() < 0.6 else BYTES
        content = pick(kinds, generator)(content, generator)
    return content


@cache
def samples(name: str) -> tuple[bytes, ...]:
    """Return whole files of a format."""
    return FORMATS[name][0]()
