"""Damage to what torch.save writes: pickles that do something else, and tensors that are none of counts."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
from numpy.random import Generator

from evaluator.bench.damage.anywhere import BYTES
from evaluator.bench.damage.archives import ARCHIVE, archive_of, members_of
from evaluator.bench.damage.common import Damage, pick, sample_trace


def break_pickle(content: bytes, generator: Generator) -> bytes:
    """Change what the pickle of a torch archive does, with the right checksum."""
    members = members_of(content)
    names = [name for name in members if name.endswith("data.pkl")]
    if not names:
        return content
    pickle = members[names[0]]
    kind = int(generator.integers(5))
    if kind == 0:
        other = pick(
            (
                b"c__builtin__\nbytearray\n(J\xff\xff\xff\x7ftR.",
                b"ctorch\nTensor\n(J\xff\xff\xff\x7ftR.",
                b"cos\nsystem\n(X\x04\x00\x00\x00true" + b"tR.",
                b"c__builtin__\nset\n(tR.",
                b"cx\x1b[31m\ny\xff\n(tR.",
                b"]" * 50_000 + b"a" * 40_000 + b".",
                b"(" * 100_000 + b"t" * 100_000 + b".",
                b"r\xff\xff\xff\x7f.",
                b"X\xff\xff\xff\xff.",
                b"\x8d" + b"\xff" * 8 + b".",
                b"\x8b\xff\xff\xff\x7f.",
                b"I" + b"9" * 6000 + b"\n.",
            ),
            generator,
        )
        pickle = pickle[: int(generator.choice([2, len(pickle) - 2]))] + other
    elif kind == 1:
        shapes = [found.start() for found in re.finditer(rb"K[\x00-\xff]", pickle)]
        at = pick(shapes or [0], generator)
        new = pick((b"J\xff\xff\xff\x7f", b"J\xff\xff\xff\xff", b"\x8a\x08" + b"\xff" * 7 + b"\x7f", b"N"), generator)
        pickle = pickle[:at] + new + pickle[at + 2 :]
    elif kind == 2:
        storages = (b"DoubleStorage", b"BFloat16Storage", b"BoolStorage", b"ComplexDoubleStorage", b"ByteStorage", b"x")
        pickle = pickle.replace(b"IntStorage", pick(storages, generator))
    elif kind == 3:
        pickle = pickle.replace(b"logical_count", pick((b"logical\x1b[31m\n", b"\xff" * 13), generator))
    else:
        pickle = pick(BYTES, generator)(pickle, generator)
    return archive_of({**members, names[0]: pickle})


def exchange_content(content: bytes, generator: Generator) -> bytes:
    """Save something else with torch."""
    import torch

    counts = torch.tensor(sample_trace().counts)
    made: Any = pick(
        (
            {"logical_count": counts.bool()},
            {"logical_count": counts.to(torch.complex64)},
            {"logical_count": counts.to(torch.bfloat16)},
            {"logical_count": counts.double() * float("nan")},
            {"logical_count": counts.double() * 1e300},
            {"logical_count": -counts},
            {"logical_count": counts[0, 0]},
            {"logical_count": counts[:0]},
            {"logical_count": torch.ones(1, dtype=torch.int32).expand(1 << 20, 58, 256)},
            {"logical_count": counts.to_sparse()},
            {"logical_count": counts.to("meta")},
            {"logical_count": counts.tolist()},
            {"logical_count": [["x" * 10_000] + ["y"] * 1000]},
            {"logical_count": None},
            {"logical_count": {"a": counts}},
            {"\x1b[31m\n": counts, 5: counts, counts: 1},
            counts,
            [counts],
            "text",
        ),
        generator,
    )
    file = io.BytesIO()
    torch.save(made, file)
    return file.getvalue()


def sglang_samples() -> tuple[bytes, ...]:
    """Return what SGLang's recorder writes."""
    import torch

    counts = torch.tensor(sample_trace().counts.astype(np.int32))
    file = io.BytesIO()
    torch.save({"rank": 0, "logical_count": counts, "average_utilization_rate_over_window": 0.5}, file)
    return (file.getvalue(),)


TENSORS: tuple[Damage, ...] = (*ARCHIVE, break_pickle, break_pickle, exchange_content)
