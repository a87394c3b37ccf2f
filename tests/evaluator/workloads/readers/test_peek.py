"""A look at a file never fails, whatever is in it."""

from __future__ import annotations

import pytest

from evaluator.bench.damage import archive_of
from evaluator.workloads.readers.peek import Peek


def test_a_directory_with_names_that_are_no_text_has_no_members(tmp_path):
    """The flag says that names are UTF-8, and they are not."""
    whole = bytearray(archive_of({"counts.npy": b"x"}))
    entry = whole.find(b"PK\x01\x02")
    whole[entry + 8 : entry + 10] = b"\0\x08"
    whole[entry + 46 : entry + 48] = b"\xff\xfe"
    (tmp_path / "x").write_bytes(whole)
    assert Peek(tmp_path / "x").members == ()
    assert "cut short or damaged" in Peek(tmp_path / "x").kind


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06" + b"\xff" * 18, b"\xff" * 100])
def test_whatever_it_is_it_has_words(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    peek = Peek(tmp_path / "x")
    assert peek.members == ()
    assert peek.kind


def test_long_names_are_shortened(tmp_path):
    (tmp_path / "x").write_bytes(archive_of({"n" * 60_000: b"x"}))
    assert len(Peek(tmp_path / "x").kind) < 100
