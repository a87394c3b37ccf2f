"""What the zygote is started with."""

from __future__ import annotations

import itertools

from evaluator.candidates.sandbox.launch import bubblewrap_command, scrubbed_environment


def test_the_environment_is_scrubbed(monkeypatch):
    monkeypatch.setenv("API_KEY", "secret")
    assert "API_KEY" not in scrubbed_environment("/x")
    assert scrubbed_environment("/x")["HOME"] == "/x"


def test_bubblewrap_shows_no_folder_of_ours_but_the_packages():
    words = bubblewrap_command()
    shown = {word for flag, word in itertools.pairwise(words) if flag == "--ro-bind"}
    assert not shown & {"/", "/etc", "/home", "/root", "/proc", "/tmp"}
    assert "--unshare-net" in words
