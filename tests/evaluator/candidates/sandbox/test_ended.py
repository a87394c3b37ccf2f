"""What the kernel tells of an ended child, on its way to the judge."""

from __future__ import annotations

import os
import time

import pytest

from evaluator.candidates.sandbox.ended import SIZE, Ended, read_ended


def child(code, seconds=0.0):
    """Return the id of a child that computes for some time and exits with a code."""
    pid = os.fork()
    if pid == 0:
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass
        os._exit(code)
    return pid


def test_status_and_time_of_a_child_are_read_and_wiped():
    ended = Ended()
    ended.wait_for(child(3, 0.2))
    status, seconds = read_ended(bytes(ended.raw))
    assert os.waitstatus_to_exitcode(status) == 3
    assert 0.2 <= seconds < 5
    ended.forget()
    assert bytes(ended.raw) == bytes(SIZE)


def test_who_is_no_child_is_not_waited_for():
    with pytest.raises(ChildProcessError):
        Ended().wait_for(1)


def test_where_nothing_was_told_nothing_is_known():
    assert read_ended(b"") == (0, 0.0)
