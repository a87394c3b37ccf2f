"""Damaged recordings of every format: what a reader may be given, the same for the same format and number.

A damage is a function of whole files and a generator that returns a broken one. Some break bytes wherever they stand;
others know the format and break what it says of itself, so that the damage reaches what stands behind checksums.
"""

from __future__ import annotations

import bz2
import io
import json
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from evaluator.workloads.readers import canonical_npz, canonical_parquet
from evaluator.workloads.readers.whole import METADATA
from evaluator.workloads.trace import Trace

Damage = Callable[[bytes, Generator], bytes]
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
WORDS = (
    *("-1", "-0", "1.5", "1e5", "1e400", "-1e400", "NaN", "Infinity", "-Infinity", "null", "true", '"x"', "[]", "{}"),
    *("[[1]]", "9" * 20, "9" * 5000, str(2**63), str(2**31), "0x10", "01", "1,", '"\\u0000\\u001b[31m"', '"\ud800"'),
)
"""What stands in place of a number."""
BLOCK, BOMB = 1 << 20, 2 << 30
"""Bytes of a block of an honest bomb, and of what it is unpacked to; others claim terabytes."""


def damaged(name: str, number: int, seed: int = 0) -> bytes:
    """Return the content of a damaged file; one in fifty is whole.

    Args:
        name: of the format, one of ``FORMATS``.
        number: which file, from 0.
        seed: of all.
    """
    generator = np.random.default_rng([seed, zlib.crc32(name.encode()), number])
    content = _pick(samples(name), generator)
    if generator.random() < 0.02:
        return content
    own = FORMATS[name][1]
    for _ in range(int(generator.choice([1, 1, 1, 2, 3]))):
        kinds = own if own and generator.random() < 0.6 else BYTES
        content = _pick(kinds, generator)(content, generator)
    return content


@cache
def samples(name: str) -> tuple[bytes, ...]:
    """Return whole files of a format."""
    return FORMATS[name][0]()


def _pick(items: Sequence[Any], generator: Generator) -> Any:
    return items[int(generator.integers(len(items)))]


def _place(content: bytes, generator: Generator) -> int:
    """Return a place, often near an end: there stands what a file says of itself."""
    near = min(len(content), 256)
    where = (len(content), near, near)
    kind = int(generator.integers(3))
    place = int(generator.integers(where[kind] + 1))
    return len(content) - place if kind == 2 else place


def sample_trace(num_steps: int = 6, num_layers: int = 3, num_experts: int = 16) -> Trace:
    """Return a small trace with all that can be known of one."""
    counts = np.random.default_rng(0).integers(0, 5000, (num_steps, num_layers, num_experts))
    known = {"model": "a model", "phase": "decode", "source": "made up", "licence": "none"}
    layer_ids = tuple(range(3, 3 + num_layers))
    return Trace(counts, top_k=2, num_groups=4, tokens_per_step=64, layer_ids=layer_ids, **known)


# --- bytes, wherever they stand


def cut(content: bytes, generator: Generator) -> bytes:
    """Leave out the end, or the beginning."""
    place = _place(content, generator)
    return content[:place] if generator.random() < 0.8 else content[place:]


def turn_bits(content: bytes, generator: Generator) -> bytes:
    """Turn one bit, or many."""
    broken = bytearray(content)
    for _ in range(int(generator.choice([1, 2, 8, 64]))):
        if broken:
            broken[min(_place(content, generator), len(broken) - 1)] ^= 1 << int(generator.integers(8))
    return bytes(broken)


def overwrite(content: bytes, generator: Generator) -> bytes:
    """Write other bytes over some."""
    place, size = _place(content, generator), int(generator.integers(1, 200))
    return content[:place] + _junk(size, generator) + content[place + size :]


def insert(content: bytes, generator: Generator) -> bytes:
    """Put bytes between others."""
    place = _place(content, generator)
    return content[:place] + _junk(int(generator.integers(1, 200)), generator) + content[place:]


def replace_integer(content: bytes, generator: Generator) -> bytes:
    """Write a number of 1 to 8 bytes that is as large or small as can be."""
    place, size = _place(content, generator), int(generator.choice([1, 2, 4, 8]))
    number = _pick(EXTREMES, generator) & ((1 << (8 * size)) - 1)
    return content[:place] + number.to_bytes(size, "little") + content[place + size :]


def move(content: bytes, generator: Generator) -> bytes:
    """Leave out a part, repeat it, or put it elsewhere."""
    first, last = sorted((_place(content, generator), _place(content, generator)))
    part, rest = content[first:last], content[:first] + content[last:]
    place = _place(rest, generator)
    return _pick((rest, content[:last] + part + content[last:], rest[:place] + part + rest[place:]), generator)


def splice(content: bytes, generator: Generator) -> bytes:
    """Go on as another file, of any format."""
    other = _pick(samples(_pick(tuple(FORMATS), generator)), generator)
    return content[: _place(content, generator)] + other[_place(other, generator) :]


def _junk(size: int, generator: Generator) -> bytes:
    return _pick((generator.bytes(size), b"\0" * size, b"\xff" * size, b"\x1b[31m\n" * (size // 6 + 1)), generator)


BYTES: tuple[Damage, ...] = (cut, turn_bits, overwrite, insert, replace_integer, move, splice)


# --- JSON


def replace_numbers(content: bytes, generator: Generator) -> bytes:
    """Write something else where numbers stood."""
    places = [found.span() for found in re.finditer(rb"\d+", content)]
    for _ in range(int(generator.choice([1, 1, 3]))):
        if places:
            first, last = _pick(places, generator)
            word = _pick(WORDS, generator).encode("utf-8", "surrogatepass")
            content = content[:first] + word + content[last:]
    return content


def nest(content: bytes, generator: Generator) -> bytes:
    """Nest too deeply, closed again or not, in place of a number."""
    depth = int(generator.choice([20, 600, 5000, 200_000]))
    opened, closed = _pick(((b"[", b"]"), (b'{"a":', b"}")), generator)
    deep = opened * depth + b"1" + closed * _pick((depth, 0), generator)
    places = [found.span() for found in re.finditer(rb"\d+", content)] or [(0, 0)]
    first, last = _pick(places, generator)
    return content[:first] + deep + content[last:]


def replace_text(content: bytes, generator: Generator) -> bytes:
    """Exchange names, brackets and quotes."""
    old, new = _pick(
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
    return text.encode(_pick(("utf-16", "utf-8-sig", "utf-32", "utf-16-be"), generator))


JSON: tuple[Damage, ...] = (replace_numbers, replace_numbers, nest, replace_text, recode)


def _adrs_samples() -> tuple[bytes, ...]:
    steps = sample_trace().counts.tolist()
    plain = [{"logical_expert_load": step} for step in steps]
    more = [{"name": 'a "}" and', "x": {"y": [{}]}, "logical_expert_load": step, "gpu": [[1.5]]} for step in steps]
    files = ({"load_history": plain}, {"description": "x", "load_history": more, "after": [1]})
    return tuple(json.dumps(content).encode() for content in files)


def _logical_count_samples() -> tuple[bytes, ...]:
    counts = sample_trace().counts
    return tuple(json.dumps({"logical_count": part.tolist(), "rank": 0}).encode() for part in (counts, counts[0]))


# --- archives


def archive_of(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a sound zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)  # of 1980, whenever it is written
            info.compress_type = method
            archive.writestr(info, content)
    return file.getvalue()


def members_of(content: bytes) -> dict[str, bytes]:
    """Return what an archive holds; nothing where it is broken already."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {info.filename: archive.read(info) for info in archive.infolist() if info.file_size < 1 << 20}
    except Exception:  # whatever was damaged before
        return {}


def break_directory(content: bytes, generator: Generator) -> bytes:
    """Change a field of a zip directory: flags, method, sizes, places; or make a name that is no text."""
    broken = bytearray(content)
    entries = [found.start() for found in re.finditer(b"PK\x01\x02|PK\x03\x04|PK\x05\x06", content)]
    if not entries:
        return content
    at = _pick(entries, generator)
    central = content[at + 2] == 1
    if central and generator.random() < 0.4:
        broken[at + 8 : at + 10] = b"\0\x08"
        broken[at + 46 : at + 48] = _pick((b"\xff\xfe", b"\x1b[", b"\0\n"), generator)
        return bytes(broken)
    place, size = _pick(((6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 4), (24, 4), (28, 2), (42, 4)), generator)
    number = _pick(EXTREMES, generator) & ((1 << (8 * size)) - 1)
    broken[at + place : at + place + size] = number.to_bytes(size, "little")
    return bytes(broken)


def break_member(content: bytes, generator: Generator) -> bytes:
    """Damage a member and write the archive anew, with the right checksums."""
    members = members_of(content)
    if not members:
        return content
    name = _pick(sorted(members), generator)
    kind = int(generator.integers(6))
    if kind == 0:
        del members[name]
    elif kind == 1:
        members[_pick(("counts.npy", "x/data.pkl", "\x1b[31m", "é\n"), generator)] = members.pop(name)
    else:
        members[name] = _pick(BYTES, generator)(members[name], generator)
    return archive_of(members, _pick((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), generator))


def bomb(content: bytes, generator: Generator) -> bytes:
    """Put in a member that is unpacked to far more than the file."""
    members = members_of(content)
    name = _pick([*sorted(members), "counts.npy"], generator)
    packed, method = _pick(_bombs(), generator)
    made = bytearray(archive_of({**members, name: b""}))
    size = _pick((BOMB, BLOCK, 0xFFFFFFFF), generator)
    start = made.find(b"PK\x01\x02")
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, method, 0, 0, 0, len(packed), size, len(name.encode()), 0)
    body = local + name.encode() + packed
    entry = struct.pack(
        "<4s6H3I5H2I",
        *(b"PK\x01\x02", 20, 20, 0, method, 0, 0, 0, len(packed), size, len(name.encode()), 0, 0, 0, 0, 0, start),
    )
    directory = bytes(made[start : made.rfind(b"PK\x05\x06")]) + entry + name.encode()
    count = len(members) + 1
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(directory), start + len(body), 0)
    return bytes(made[:start]) + body + directory + end


@cache
def _bombs() -> tuple[tuple[bytes, int], ...]:
    """Return packed members and their methods: zeros or ones behind a header of counts."""
    header = npy_header("'<i8'", (BOMB // 8 // 58 // 256, 58, 256))
    deflated = [_deflated(header, unit * (BLOCK // len(unit)), BOMB // BLOCK) for unit in (b"\0", b"\1" + bytes(7))]
    bzipped = bz2.compress(header + bytes(64 * BLOCK))
    return *((packed, zipfile.ZIP_DEFLATED) for packed in deflated), (bzipped, zipfile.ZIP_BZIP2)


def _deflated(header: bytes, block: bytes, times: int) -> bytes:
    """Return a header and many equal blocks, deflated: a block that begins anew is packed once and repeated."""

    def packed(content: bytes, mode: int) -> bytes:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(content) + packer.flush(mode)

    return packed(header, zlib.Z_FULL_FLUSH) + packed(block, zlib.Z_FULL_FLUSH) * times + packed(b"", zlib.Z_FINISH)


ARCHIVE: tuple[Damage, ...] = (break_directory, break_directory, break_member, break_member, bomb)


# --- NumPy


def npy_header(descr: str, shape: object, version: bytes = b"\x01\x00") -> bytes:
    """Return the header of an .npy file, whatever it says."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text


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
    name = _pick(["counts.npy", *sorted(members)], generator)
    header = npy_header(_pick(types, generator), _pick(shapes, generator), _pick(versions, generator))
    values = _pick((members.get(name, b"")[128:], generator.bytes(6 * 3 * 16 * 8), b""), generator)
    return archive_of({**members, name: header + values})


def exchange_arrays(content: bytes, generator: Generator) -> bytes:
    """Put in sound arrays of what is not asked for, pickled objects among them."""
    shape = (6, 3, 16)
    arrays = {
        "counts": _pick(
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
        _pick(METADATA, generator): _pick(
            (np.array("\x1b[31m\n"), np.array(1.5), np.arange(400), np.array([["x"]]), np.array(None), np.array(2**63)),
            generator,
        ),
    }
    file = io.BytesIO()
    np.savez(file, allow_pickle=True, **arrays)
    return archive_of(members_of(file.getvalue()))


def _npz_samples() -> tuple[bytes, ...]:
    whole = members_of(_written(canonical_npz.write, ".npz"))
    file = io.BytesIO()
    np.savez(file, counts=sample_trace().counts.astype(np.uint16))
    return archive_of(whole, zipfile.ZIP_DEFLATED), archive_of(members_of(file.getvalue()))


# --- torch


def break_pickle(content: bytes, generator: Generator) -> bytes:
    """Change what the pickle of a torch archive does, with the right checksum."""
    members = members_of(content)
    names = [name for name in members if name.endswith("data.pkl")]
    if not names:
        return content
    pickle = members[names[0]]
    kind = int(generator.integers(5))
    if kind == 0:
        other = _pick(
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
        at = _pick(shapes or [0], generator)
        new = _pick((b"J\xff\xff\xff\x7f", b"J\xff\xff\xff\xff", b"\x8a\x08" + b"\xff" * 7 + b"\x7f", b"N"), generator)
        pickle = pickle[:at] + new + pickle[at + 2 :]
    elif kind == 2:
        storages = (b"DoubleStorage", b"BFloat16Storage", b"BoolStorage", b"ComplexDoubleStorage", b"ByteStorage", b"x")
        pickle = pickle.replace(b"IntStorage", _pick(storages, generator))
    elif kind == 3:
        pickle = pickle.replace(b"logical_count", _pick((b"logical\x1b[31m\n", b"\xff" * 13), generator))
    else:
        pickle = _pick(BYTES, generator)(pickle, generator)
    return archive_of({**members, names[0]: pickle})


def exchange_content(content: bytes, generator: Generator) -> bytes:
    """Save something else with torch."""
    import torch

    counts = torch.tensor(sample_trace().counts)
    made: Any = _pick(
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


def _sglang_samples() -> tuple[bytes, ...]:
    import torch

    counts = torch.tensor(sample_trace().counts.astype(np.int32))
    file = io.BytesIO()
    torch.save({"rank": 0, "logical_count": counts, "average_utilization_rate_over_window": 0.5}, file)
    return (file.getvalue(),)


# --- parquet


def break_footer(content: bytes, generator: Generator) -> bytes:
    """Damage the metadata at the end of a parquet file."""
    if len(content) < 12:
        return content
    size = min(int.from_bytes(content[-8:-4], "little"), len(content) - 12)
    start = len(content) - 8 - size
    footer = _pick(BYTES, generator)(content[start:-8], generator)
    if generator.random() < 0.2:
        return content[:-8] + _pick(EXTREMES, generator).to_bytes(8, "little")[:4] + content[-4:]
    return content[:start] + footer + len(footer).to_bytes(4, "little") + content[-4:]


def exchange_columns(content: bytes, generator: Generator) -> bytes:
    """Write a sound parquet file of other columns or metadata."""
    import pyarrow as pa

    two = [0, 0]
    counts = _pick(
        (
            [[1, 2], [3, None]],
            [[1, 2], None],
            [[1, 2], [3]],
            [[], []],
            [["a", "b"], ["c", "d"]],
            [[[1], [2]], [[3], [4]]],
            [[1.5, 2.0], [3.0, 4.0]],
            [[float("nan"), 2.0], [3.0, 4.0]],
            [[True, False], [True, False]],
            [[-1, 2], [3, 4]],
            [[2**62, 2], [3, 4]],
            [1, 2],
            ["\x1b[31m\n", "x"],
            [{"a": 1}, {"a": 2}],
        ),
        generator,
    )
    step: Any = _pick((two, [0, None], ["a", "b"], [0.5, 1.5], [0, 1], [2**62, -(2**62)]), generator)
    layer: Any = _pick(([0, 1], two, [0, None], [2**63 - 1, -(2**63)]), generator)
    notes = _pick(
        (b"{}", b"[" * 100_000, b"\xff", b"[]", b'{"model": 5}', b'{"\\u001b[31m": 1}', b'{"layer_ids": [1, "x"]}'),
        generator,
    )
    odd = {"\x1b[31m\n": two} if generator.random() < 0.2 else {"layer": layer}
    table = pa.table({"step": step, **odd, "counts": counts})
    return _parquet_of(table.replace_schema_metadata({canonical_parquet.KEY: notes}))


def repeat_values(content: bytes, generator: Generator) -> bytes:
    """Hold millions of equal numbers in a few bytes."""
    return _pick(_repeated(), generator)


@cache
def _repeated() -> tuple[bytes, ...]:
    import pyarrow as pa

    def of(num_experts: int, num_layers: int) -> bytes:
        offsets = pa.array(np.arange(num_layers + 1) * num_experts)
        counts = pa.LargeListArray.from_arrays(offsets, pa.array(np.ones(num_experts * num_layers, dtype=np.int64)))
        layers = np.arange(num_layers)
        return _parquet_of(pa.table({"step": np.zeros_like(layers), "layer": layers, "counts": counts}))

    return of(1 << 22, 8), of(1 << 18, 8)


def _parquet_of(table: Any, **options: Any) -> bytes:
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def _parquet_samples() -> tuple[bytes, ...]:
    import pyarrow.parquet as pq

    whole = _written(canonical_parquet.write, ".parquet")
    table = pq.read_table(io.BytesIO(whole))
    plain = _parquet_of(table, compression="none", use_dictionary=False, write_statistics=False)
    return whole, plain, _parquet_of(table, compression="snappy", row_group_size=5)


def _written(write: Callable[[Trace, Path], None], suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"sample{suffix}"
        write(sample_trace(), path)
        return path.read_bytes()


PARQUET: tuple[Damage, ...] = (break_footer, break_footer, exchange_columns, repeat_values)

FORMATS: dict[str, tuple[Callable[[], tuple[bytes, ...]], tuple[Damage, ...]]] = {
    "canonical_npz": (_npz_samples, (*ARCHIVE, break_header, break_header, exchange_arrays)),
    "canonical_parquet": (_parquet_samples, PARQUET),
    "sglang_stat": (_sglang_samples, (*ARCHIVE, break_pickle, break_pickle, exchange_content)),
    "adrs": (_adrs_samples, JSON),
    "logical_count": (_logical_count_samples, JSON),
}
"""Whole files of each format, by the name of its reader, and the damages that know it."""
