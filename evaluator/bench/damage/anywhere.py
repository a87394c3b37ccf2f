"""Damage to bytes, wherever they stand."""

from __future__ import annotations

from numpy.random import Generator

from evaluator.bench.damage.common import EXTREMES, Damage, pick


def cut(content: bytes, generator: Generator) -> bytes:
    """Leave out the end, or the beginning."""
    place = place_in(content, generator)
    return content[:place] if generator.random() < 0.8 else content[place:]


def turn_bits(content: bytes, generator: Generator) -> bytes:
    """Turn one bit, or many."""
    broken = bytearray(content)
    for _ in range(int(generator.choice([1, 2, 8, 64]))):
        if broken:
            broken[min(place_in(content, generator), len(broken) - 1)] ^= 1 << int(generator.integers(8))
    return bytes(broken)


def overwrite(content: bytes, generator: Generator) -> bytes:
    """Write other bytes over some."""
    place, size = place_in(content, generator), int(generator.integers(1, 200))
    return content[:place] + junk(size, generator) + content[place + size :]


def insert(content: bytes, generator: Generator) -> bytes:
    """Put bytes between others."""
    place = place_in(content, generator)
    return content[:place] + junk(int(generator.integers(1, 200)), generator) + content[place:]


def replace_integer(content: bytes, generator: Generator) -> bytes:
    """Write a number of 1 to 8 bytes that is as large or small as can be."""
    place, size = place_in(content, generator), int(generator.choice([1, 2, 4, 8]))
    number = pick(EXTREMES, generator) & ((1 << (8 * size)) - 1)
    return content[:place] + number.to_bytes(size, "little") + content[place + size :]


def move(content: bytes, generator: Generator) -> bytes:
    """Leave out a part, repeat it, or put it elsewhere."""
    first, last = sorted((place_in(content, generator), place_in(content, generator)))
    part, rest = content[first:last], content[:first] + content[last:]
    place = place_in(rest, generator)
    return pick((rest, content[:last] + part + content[last:], rest[:place] + part + rest[place:]), generator)


def splice(content: bytes, generator: Generator) -> bytes:
    """Go on as another file, of any format."""
    from evaluator.bench.damage import FORMATS, samples

    other = pick(samples(pick(tuple(FORMATS), generator)), generator)
    return content[: place_in(content, generator)] + other[place_in(other, generator) :]


def junk(size: int, generator: Generator) -> bytes:
    """Return bytes that do not belong: random, all alike, or an order to a terminal."""
    return pick((generator.bytes(size), b"\0" * size, b"\xff" * size, b"\x1b[31m\n" * (size // 6 + 1)), generator)


BYTES: tuple[Damage, ...] = (cut, turn_bits, overwrite, insert, replace_integer, move, splice)


def place_in(content: bytes, generator: Generator) -> int:
    """Return a place, often near an end: there stands what a file says of itself."""
    near = min(len(content), 256)
    where = (len(content), near, near)
    kind = int(generator.integers(3))
    place = int(generator.integers(where[kind] + 1))
    return len(content) - place if kind == 2 else place
