"""What there is, a line each; in a terminal, lines end between words."""

from __future__ import annotations

import os
import shutil
import sys

from evaluator.cli.main import main


def test_a_terminal_breaks_no_word(capsys, monkeypatch):
    assert main(["list", "stages"]) == 0
    piped = capsys.readouterr().out
    assert max(map(len, piped.splitlines())) > 80, "a line each where something reads them"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((80, 24)))
    assert main(["list", "stages"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.split() == piped.split()
