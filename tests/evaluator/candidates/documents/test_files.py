"""Only regular files are read, no more of them than is allowed, and nothing is waited for."""

from __future__ import annotations

import os
import socket

import pytest

from eplb_variants import EplbError
from evaluator.candidates.documents.files import MAX_BYTES, read_regular


def test_a_file_and_a_link_to_one_are_read(tmp_path):
    (tmp_path / "a").write_bytes(b"\xff\x00\r\n")
    (tmp_path / "link").symlink_to("a")
    assert read_regular(tmp_path / "a") == read_regular(tmp_path / "link") == b"\xff\x00\r\n"


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """Work in a folder with all that is no regular file."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
    os.symlink("/dev/zero", "device")
    os.symlink("pipe", "link to a pipe")
    os.symlink("gone", "dangling")
    os.symlink("loop", "loop")
    os.mkdir("folder")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("pipe", "it is a pipe, not a regular file"),
        ("link to a pipe", "it is a pipe, not a regular file"),
        ("socket", "it is a socket, not a regular file"),
        ("device", "it is a device, not a regular file"),
        ("folder", "it is a folder, not a regular file"),
        ("dangling", "it is a link that leads nowhere"),
        ("loop", "Too many levels of symbolic links"),
        ("none", "there is no such file"),
    ],
)
def test_what_is_no_regular_file_is_said(odd, name, says):
    """A pipe without a writer would be waited for; a device may have no end."""
    with pytest.raises(EplbError, match=says):
        read_regular(odd / name)


def test_a_file_that_becomes_a_pipe_is_not_waited_for(odd, monkeypatch):
    """What it was asked about before it is opened need not be what is opened."""
    (odd / "file").write_text("x")
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda path: stat(odd / "file"))
    with pytest.raises(EplbError, match="it is a pipe"):
        read_regular(odd / "pipe")


def test_what_may_not_be_read_is_said(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("x")

    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(EplbError, match="^Permission denied$"):
        read_regular(tmp_path / "a")


def test_no_more_is_read_than_may_be(tmp_path):
    """A file with a hole of a terabyte takes no room, and would take all memory."""
    for name, size in (("much", 1 << 40), ("one more", MAX_BYTES + 1), ("most", MAX_BYTES)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    for name in ("much", "one more"):
        with pytest.raises(EplbError, match=f"more than {MAX_BYTES} bytes"):
            read_regular(tmp_path / name)
    assert len(read_regular(tmp_path / "most")) == MAX_BYTES
