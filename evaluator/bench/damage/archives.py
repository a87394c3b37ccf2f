"""Damage to zip archives: to their directories, to members behind sound checksums, and bombs."""

from __future__ import annotations

import bz2
import io
import re
import struct
import zipfile
import zlib
from functools import cache

from numpy.random import Generator

from evaluator.bench.damage.anywhere import BYTES
from evaluator.bench.damage.common import EXTREMES, Damage, pick

BLOCK, BOMB = 1 << 20, 2 << 30
"""Bytes of a block of an honest bomb, and of what it is unpacked to; others claim terabytes."""


def npy_header(descr: str, shape: object, version: bytes = b"\x01\x00") -> bytes:
    """Return the header of an .npy file, whatever it says."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text


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
    at = pick(entries, generator)
    central = content[at + 2] == 1
    if central and generator.random() < 0.4:
        broken[at + 8 : at + 10] = b"\0\x08"
        broken[at + 46 : at + 48] = pick((b"\xff\xfe", b"\x1b[", b"\0\n"), generator)
        return bytes(broken)
    place, size = pick(((6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 4), (24, 4), (28, 2), (42, 4)), generator)
    number = pick(EXTREMES, generator) & ((1 << (8 * size)) - 1)
    broken[at + place : at + place + size] = number.to_bytes(size, "little")
    return bytes(broken)


def break_member(content: bytes, generator: Generator) -> bytes:
    """Damage a member and write the archive anew, with the right checksums."""
    members = members_of(content)
    if not members:
        return content
    name = pick(sorted(members), generator)
    kind = int(generator.integers(6))
    if kind == 0:
        del members[name]
    elif kind == 1:
        members[pick(("counts.npy", "x/data.pkl", "\x1b[31m", "é\n"), generator)] = members.pop(name)
    else:
        members[name] = pick(BYTES, generator)(members[name], generator)
    return archive_of(members, pick((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), generator))


def bomb(content: bytes, generator: Generator) -> bytes:
    """Put in a member that is unpacked to far more than the file."""
    members = members_of(content)
    name = pick([*sorted(members), "counts.npy"], generator)
    packed, method = pick(bombs(), generator)
    made = bytearray(archive_of({**members, name: b""}))
    size = pick((BOMB, BLOCK, 0xFFFFFFFF), generator)
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
def bombs() -> tuple[tuple[bytes, int], ...]:
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
