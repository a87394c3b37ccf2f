"""Traces that are kept: what comes back is what was read, nothing stale is used, and nothing half is left."""

from __future__ import annotations

import errno
import json
import os
import time

import numpy as np
import pytest

from eplb_variants import EplbError
from evaluator.workloads.kept import Kept
from evaluator.workloads.trace import Contents, Trace
from evaluator.workloads.windows import StepsFile


def steps(*largest):
    draw = np.random.default_rng(0)
    return [draw.integers(0, most, (3, 8), endpoint=True) + (most - 1) for most in largest]


@pytest.mark.parametrize("largest", [(5, 9), (5, 70_000, 3), (70_000, 5, 2**40, 8), (2**40, 1), (1, 2, 3, 2**33)])
def test_counts_come_back_in_the_narrowest_type_that_holds_them(tmp_path, largest):
    given = steps(*largest)
    kept = Kept(tmp_path / "kept")
    file = kept.keep("key", given)
    np.testing.assert_array_equal(file.read(0, len(given)), given)
    most = max(int(step.max()) for step in given)
    assert file.dtype.itemsize == (2 if most < 2**16 else 4 if most < 2**32 else 8)
    again = kept.find("key")
    np.testing.assert_array_equal(again.read(1, len(given)), given[1:])
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["key.json", "key.steps"]


def test_a_trace_that_ends_in_an_error_is_not_kept(tmp_path):
    def broken():
        yield from steps(5, 6)
        raise EplbError("cut short")

    kept = Kept(tmp_path)
    with pytest.raises(EplbError, match="cut short"):
        kept.keep("key", broken())
    with pytest.raises(EplbError, match=r"step 1 has the shape \[2, 8\], those before \[3, 8\]"):
        kept.keep("key", [np.ones((3, 8), dtype=int), np.ones((2, 8), dtype=int)])
    with pytest.raises(EplbError, match="no step with load"):
        kept.keep("key", [np.zeros((3, 8), dtype=int)])
    assert kept.find("key") is None
    assert list(tmp_path.iterdir()) == []


def test_what_is_damaged_is_made_anew(tmp_path):
    kept = Kept(tmp_path)
    kept.keep("key", steps(5, 6))
    whole = (tmp_path / "key.steps").read_bytes()
    (tmp_path / "key.steps").write_bytes(whole[:-1])
    assert kept.find("key") is None
    (tmp_path / "key.steps").write_bytes(whole)
    (tmp_path / "key.json").write_text("{")
    assert kept.find("key") is None
    with pytest.raises(ValueError, match="not as long as 3 steps"):
        StepsFile(tmp_path / "key.steps", "<u2", Contents(3, 3, 8, 0, 0))


def test_a_full_disk_is_a_sentence(tmp_path):
    def full():
        yield from steps(5)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(EplbError, match="cannot be kept in .*: No space left on device"):
        Kept(tmp_path).keep("key", full())
    assert list(tmp_path.iterdir()) == []


def test_the_hash_of_a_file_is_remembered_until_the_file_changes(tmp_path, monkeypatch):
    kept, path = Kept(tmp_path / "kept"), tmp_path / "file"
    path.write_text("one")
    fresh = kept.content_of(str(path))
    assert not (tmp_path / "kept").exists(), "a file that was just written may change within the same tick"
    later = time.time_ns() + 10**10
    monkeypatch.setattr(time, "time_ns", lambda: later)
    assert kept.content_of(str(path)) == fresh
    (memo,) = (tmp_path / "kept").iterdir()
    memo.write_text(memo.read_text().replace(fresh, "0" * 64))
    assert kept.content_of(str(path)) == "0" * 64, "the file was not read again"
    path.write_text("two")
    assert kept.content_of(str(path)) not in (fresh, "0" * 64)
    memo.write_text("[]")
    assert len(kept.content_of(str(path))) == 64


def test_a_folder_that_cannot_be_written_to_forgets_and_works(tmp_path):
    path = tmp_path / "file"
    path.write_text("one")
    os.utime(path, (0, 0))
    assert len(Kept(tmp_path / "file" / "below").content_of(str(path))) == 64


def test_kept_files_say_what_they_hold(tmp_path):
    counts = np.stack([*steps(4, 5), np.zeros((3, 8), dtype=int)])
    counts[:, 1] = 0
    kept = Kept(tmp_path).keep("key", counts)
    contents = {"steps": 3, "layers": 3, "experts": 8, "empty_steps": 1, "empty_layers": 1}
    assert json.loads((tmp_path / "key.json").read_text()) == {"dtype": "<u2", "contents": contents}
    assert kept.contents == Kept(tmp_path).find("key").contents == Trace(counts).contents == Contents(**contents)


def test_a_pipe_in_the_place_of_what_is_remembered_is_not_waited_for(tmp_path):
    kept = Kept(tmp_path / "kept")
    kept.folder.mkdir()
    os.mkfifo(kept.folder / "abc.json")
    assert kept.find("abc") is None
