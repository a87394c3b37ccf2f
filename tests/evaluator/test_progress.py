"""What is going on is told as it stands, whatever it is called."""

from __future__ import annotations

import pytest

from evaluator.progress import Bar, Silent


@pytest.mark.parametrize("name", ["[/red]", "[bold]x", "[link=x]", "plain"])
def test_markup_in_a_name_is_text(monkeypatch, capsys, name):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with Bar() as bar:
        bar.start(f"of {name}", 2)
        bar.step(name)
        bar.say(f"a word on {name}")
        bar._progress.refresh()
    said = capsys.readouterr().err
    assert f"of {name}" in said
    assert f"a word on {name}" in said


def test_nobody_is_told():
    silent = Silent()
    silent.start("x", 1)
    silent.step("y")
    silent.say("z")
