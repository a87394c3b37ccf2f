"""Damaged recordings are the same for the same number, and reach what stands behind checksums."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from evaluator.bench import damage
from evaluator.workloads.readers import READERS, read_trace


def test_every_reader_has_damaged_files():
    assert set(damage.FORMATS) == {reader.__name__.rpartition(".")[2] for reader in READERS}


@pytest.mark.parametrize("name", damage.FORMATS)
def test_samples_are_whole(name, tmp_path):
    for number, content in enumerate(damage.samples(name)):
        path = tmp_path / f"{number}"
        path.write_bytes(content)
        counts = read_trace(path).counts
        np.testing.assert_array_equal(counts, damage.sample_trace().counts[: len(counts)])


@pytest.mark.parametrize("name", damage.FORMATS)
def test_files_are_the_same_for_the_same_number_and_differ_otherwise(name):
    files = [damage.damaged(name, number) for number in range(40)]
    assert files == [damage.damaged(name, number) for number in range(40)]
    assert len(set(files)) > 30
    assert damage.damaged(name, 3, seed=1) != files[3]


def test_a_bomb_is_unpacked_to_what_it_claims():
    """An honest one holds two GiB in a few megabytes; nothing but its size gives it away."""
    for packed, method in damage._bombs()[:2]:
        assert method == zipfile.ZIP_DEFLATED
        assert len(packed) < damage.BOMB / 500
    made = next(
        content
        for number in range(1000)
        if zipfile.is_zipfile(io.BytesIO(content := damage.bomb(b"", np.random.default_rng(number))))
        and zipfile.ZipFile(io.BytesIO(content)).getinfo("counts.npy").file_size == damage.BOMB
        and zipfile.ZipFile(io.BytesIO(content)).getinfo("counts.npy").compress_type == zipfile.ZIP_DEFLATED
    )
    with zipfile.ZipFile(io.BytesIO(made)).open("counts.npy") as member:
        first = member.read(1 << 22)
    assert first.startswith(b"\x93NUMPY")
    assert len(first) == 1 << 22


def test_members_are_damaged_behind_sound_checksums():
    whole = damage.samples("canonical_npz")[0]
    for number in range(50):
        broken = damage.break_member(whole, np.random.default_rng(number))
        assert zipfile.ZipFile(io.BytesIO(broken)).testzip() is None
