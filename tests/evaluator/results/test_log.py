"""All that is printed while a cell is measured stands in its log, whatever was done to the streams."""

from __future__ import annotations

import os
import subprocess
import sys

from evaluator.results.log import FOLDER, add_to_log, cell_log, log_path


def test_what_is_printed_past_python_stands_there_too(tmp_path):
    with cell_log(tmp_path, "abc", "v on w") as log:
        sys.stdout.write("by Python\n")
        os.write(2, b"past Python\n")
        subprocess.run(["echo", "by another program"], check=True)
        log.says("ok", "3 windows")
    os.write(1, b"")  # the descriptors are what they were
    text = log_path(tmp_path, "abc").read_text()
    for said in ("v on w", "by Python", "past Python", "by another program", "ok after"):
        assert said in text


def test_streams_that_were_closed_cost_no_more_than_what_was_printed_to_them(tmp_path):
    with cell_log(tmp_path, "abc", "v on w") as log:
        sys.stdout.close()
        log.says("failed", "it was bad", ZeroDivisionError("division by zero"))
    text = log_path(tmp_path, "abc").read_text()
    assert "failed after" in text
    assert "ZeroDivisionError: division by zero" in text


def test_a_pipe_in_the_place_of_a_log_is_not_waited_for(tmp_path):
    (tmp_path / FOLDER).mkdir()
    os.mkfifo(log_path(tmp_path, "abc"))
    with cell_log(tmp_path, "abc", "v on w") as log:
        log.says("ok", "3 windows")
    add_to_log(tmp_path, "abc", "failed", "it was bad")


def test_an_error_that_cannot_be_printed_is_still_named(tmp_path):
    class Unspeakable(Exception):
        def __str__(self):
            raise KeyboardInterrupt

    with cell_log(tmp_path, "abc", "v on w") as log:
        log.says("failed", "it was bad", Unspeakable())
    assert "Unspeakable" in log_path(tmp_path, "abc").read_text()


def test_a_log_that_cannot_be_written_costs_nothing_else(tmp_path):
    (tmp_path / FOLDER).write_text("a file where the folder should be")
    with cell_log(tmp_path, "abc", "v on w") as log:
        log.says("ok", "")
    add_to_log(tmp_path, "abc", "failed", "it was bad")
    assert (tmp_path / FOLDER).read_text() == "a file where the folder should be"


def test_what_is_said_later_is_added(tmp_path):
    with cell_log(tmp_path, "abc", "v on w"):
        pass
    add_to_log(tmp_path, "abc", "failed", "ended by SIGSEGV")
    assert log_path(tmp_path, "abc").read_text().endswith("failed: ended by SIGSEGV\n")
