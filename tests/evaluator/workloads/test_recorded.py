"""A recording is known by its bytes and by what reads them, wherever it lies."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from evaluator.workloads import UnusableWorkload, source
from evaluator.workloads.kept import Kept
from evaluator.workloads.readers import READERS, canonical_npz
from evaluator.workloads.recorded import Recorded
from evaluator.workloads.trace import Trace


@pytest.fixture
def recording(tmp_path):
    canonical_npz.write(Trace(np.arange(24).reshape(2, 3, 4)), tmp_path / "trace.npz")
    return Recorded(str(tmp_path / "trace.npz"))


def test_the_hash_does_not_depend_on_what_is_remembered(recording, tmp_path):
    assert recording.identity() == recording.identity(Kept(tmp_path / "kept"))


def test_the_hash_does_not_depend_on_the_place(recording, tmp_path):
    shutil.copyfile(recording.path, tmp_path / "copy")
    assert Recorded(str(tmp_path / "copy")).identity() == recording.identity()


def test_the_hash_covers_the_bytes(recording, tmp_path):
    canonical_npz.write(Trace(np.arange(24).reshape(2, 3, 4) + 1), tmp_path / "other.npz")
    assert Recorded(str(tmp_path / "other.npz")).identity() != recording.identity()


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__.rpartition(".")[2])
def test_the_hash_covers_the_reader_of_its_own_format_and_no_other(recording, tmp_path, monkeypatch, reader):
    """A change to another reader, or a further one, does not make a recording be measured again."""
    before = recording.identity()
    changed = tmp_path / "workloads"
    shutil.copytree(source.FOLDER, changed)
    name = reader.__name__.rpartition(".")[2]
    with (changed / "readers" / f"{name}.py").open("a") as file:
        file.write("# changed\n")
    (changed / "readers" / "further.py").write_text("# a further one\n")
    monkeypatch.setattr(source, "FOLDER", changed)
    source.hash_of_files.cache_clear()
    try:
        assert (recording.identity() != before) == (reader is canonical_npz)
    finally:
        source.hash_of_files.cache_clear()


def test_what_is_no_recording_is_refused_before_it_is_read(tmp_path):
    (tmp_path / "text").write_text("hello")
    for name, says in (
        ("no.npz", "there is no workload in"),
        ("", "is not a file"),
        ("text", "an unknown kind of file"),
        ("a\0b", "null"),
    ):
        for ask in (lambda made: made.check(1), lambda made: made.identity(), lambda made: made.read_as):
            with pytest.raises(UnusableWorkload, match=says):
                ask(Recorded(f"{tmp_path}/{name}"))


def test_an_interval_that_cannot_be_is_refused(recording):
    recording.check(1)
    with pytest.raises(UnusableWorkload, match="the interval is 0"):
        recording.check(0)
