"""Damage to JSON, and whole files of the formats that are."""

from __future__ import annotations

import json
import re

from numpy.random import Generator

from evaluator.bench.damage.common import Damage, pick, sample_trace

WORDS = (
    *("-1", "-0", "1.5", "1e5", "1e400", "-1e400", "NaN", "Infinity", "-Infinity", "null", "true", '"x"', "[]", "{}"),
    *("[[1]]", "9" * 20, "9" * 5000, str(2**63), str(2**31), "0x10", "01", "1,", '"\\u0000\\u001b[31m"', '"\ud800"'),
)
"""What stands in place of a number."""


def replace_numbers(content: bytes, generator: Generator) -> bytes:
    """Write something else where numbers stood."""
    places = [found.span() for found in re.finditer(rb"\d+", content)]
    for _ in range(int(generator.choice([1, 1, 3]))):
        if places:
            first, last = pick(places, generator)
            word = pick(WORDS, generator).encode("utf-8", "surrogatepass")
            content = content[:first] + word + content[last:]
    return content


def nest(content: bytes, generator: Generator) -> bytes:
    """Nest too deeply, closed again or not, in place of a number."""
    depth = int(generator.choice([20, 600, 5000, 200_000]))
    opened, closed = pick(((b"[", b"]"), (b'{"a":', b"}")), generator)
    deep = opened * depth + b"1" + closed * pick((depth, 0), generator)
    places = [found.span() for found in re.finditer(rb"\d+", content)] or [(0, 0)]
    first, last = pick(places, generator)
    return content[:first] + deep + content[last:]


def replace_text(content: bytes, generator: Generator) -> bytes:
    """Exchange names, brackets and quotes."""
    old, new = pick(
        (
            (b"logical_expert_load", b"load\x00\xff"),
            (b"load_history", b"load_history\\u0007"),
            (b"logical_count", b"count"),
            (b"[[", b"["),
            (b"]]", b"]"),
            (b", ", b" "),
            (b":", b";"),
            (b'"', b"'"),
            (b"[", b"{"),
            (b"]", b""),
        ),
        generator,
    )
    return content.replace(old, new, int(generator.choice([1, 2, -1])))


def recode(content: bytes, generator: Generator) -> bytes:
    """Write the text in another encoding."""
    text = content.decode("latin-1")
    return text.encode(pick(("utf-16", "utf-8-sig", "utf-32", "utf-16-be"), generator))


JSON: tuple[Damage, ...] = (replace_numbers, replace_numbers, nest, replace_text, recode)


def adrs_samples() -> tuple[bytes, ...]:
    """Return an expert-load.json of nothing but loads, and one with much beside them."""
    steps = sample_trace().counts.tolist()
    plain = [{"logical_expert_load": step} for step in steps]
    more = [{"name": 'a "}" and', "x": {"y": [{}]}, "logical_expert_load": step, "gpu": [[1.5]]} for step in steps]
    files = ({"load_history": plain}, {"description": "x", "load_history": more, "after": [1]})
    return tuple(json.dumps(content).encode() for content in files)


def logical_count_samples() -> tuple[bytes, ...]:
    """Return a JSON of several steps, and one of one."""
    counts = sample_trace().counts
    return tuple(json.dumps({"logical_count": part.tolist(), "rank": 0}).encode() for part in (counts, counts[0]))
