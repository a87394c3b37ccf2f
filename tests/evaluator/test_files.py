"""Files are whole or not there, and what a killed process left half written does not pile up."""

from __future__ import annotations

import os

import pytest

from evaluator.files import STALE_SECONDS, clear_left_over, temporary_beside, write_whole


def test_a_file_is_replaced_whole_and_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    write_whole(path, "one\n")
    write_whole(path, "two\n")
    assert path.read_bytes() == b"two\n"

    def full(*arguments, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, "three\n")
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    assert path.read_text() == "two\n"


def test_a_link_stays_a_link_and_a_pipe_is_written_to(tmp_path):
    target, link, pipe = tmp_path / "target", tmp_path / "link", tmp_path / "pipe"
    target.write_text("old")
    link.symlink_to(target)
    write_whole(link, "new")
    assert (link.is_symlink(), target.read_text()) == (True, "new")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, "through")
    assert os.read(reader, 100) == b"through"
    assert pipe.is_fifo()
    os.close(reader)


def test_what_a_killed_process_left_is_cleared_away_and_what_is_being_written_is_not(tmp_path):
    old, fresh, other = temporary_beside(tmp_path / "a"), temporary_beside(tmp_path / "a"), tmp_path / "kept.tmp"
    for path in (old, fresh, other):
        path.write_text("half")
    for path in (old, other):
        os.utime(path, (os.path.getmtime(path) - 2 * STALE_SECONDS,) * 2)
    clear_left_over(tmp_path)
    assert (old.exists(), fresh.exists(), other.exists()) == (False, True, True)
