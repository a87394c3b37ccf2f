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


def test_what_a_stranger_wrote_gives_a_terminal_no_orders(capsys, tmp_path):
    (tmp_path / "score").mkdir()
    (tmp_path / "score" / "theirs.yaml").write_text('summary: "\\e[31mred"\n')
    assert main(["list", "scores", "--config-dir", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "theirs" in shown
    assert "red" in shown
    assert "\x1b" not in shown
