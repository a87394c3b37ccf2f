"""Memory in large pages: which regions are gathered."""

from __future__ import annotations

from evaluator.candidates.sandbox import pages

MAPS = """
00400000-00401000 r-xp 00000000 08:01 131 /usr/bin/python3
00000000001ff000-0000000000a01000 rw-p 00000000 00:00 0                  [heap]
7f0000000000-7f0000100000 rw-p 00000000 00:00 0
7f0000200000-7f0000600000 rw-p 00000000 00:00 0
7f0000800000-7f0000c00000 rw-s 00000000 00:00 0
7f0001000000-7f0001800000 rw-p 00000000 08:01 77 /usr/lib/libtorch.so
7ffd00000000-7ffd00400000 rw-p 00000000 00:00 0                          [stack]
"""


def test_whole_large_pages_of_memory_without_a_file_are_gathered():
    assert list(pages._whole_pages(MAPS)) == [(0x200000, 0x800000), (0x7F0000200000, 0x400000)]


def test_memory_keeps_what_it_holds():
    kept = bytearray(range(256)) * (1 << 15)
    before = bytes(kept)
    assert pages.gather_pages() >= 0
    assert kept == before
