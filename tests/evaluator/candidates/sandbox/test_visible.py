"""What candidates may read: the interpreter and its packages, and nothing of this project or of the machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy
import pytest

import eplb_variants
import evaluator
from evaluator.candidates.sandbox import visible


@pytest.mark.parametrize("path", [os.__file__, numpy.__file__, os.path.realpath(sys.executable)])
def test_the_interpreter_and_its_packages_are_readable(path):
    assert visible.readable(path)


@pytest.mark.parametrize(
    "path",
    [
        evaluator.__file__,
        eplb_variants.__file__,
        Path(evaluator.__file__).parent / "workloads",
        Path.home(),
        "/",
        "/etc/passwd",
        "/proc/self/status",
        "/tmp",
        sys.prefix,
    ],
)
def test_nothing_else_is(path):
    """Not the environment's folder as a whole either: a project may lie there, with its runs."""
    assert not visible.readable(path)


def test_a_link_counts_as_what_it_leads_to(tmp_path):
    (tmp_path / "runs").symlink_to(Path(numpy.__file__).parent)
    assert visible.readable(tmp_path / "runs" / "results")
    assert not visible.readable(tmp_path)


def test_shown_paths_are_there_and_none_lies_in_another():
    shown = visible.shown_paths()
    assert all(os.path.realpath(path) == path and os.path.exists(path) for path in shown)
    assert not [path for path in shown for other in shown if path.startswith(other + "/")]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return a folder of packages that holds this project, as a wheel puts it there."""
    folder = tmp_path / "lib" / "site-packages"
    for name in ("evaluator", "eplb_variants", "numpy"):
        (folder / name).mkdir(parents=True)
    (folder / "six.py").touch()
    monkeypatch.setattr(sys, "path", [str(folder)])
    caches = visible.shown_paths, visible.hidden_paths
    for cache in caches:
        cache.cache_clear()
    yield folder
    for cache in caches:
        cache.cache_clear()


def test_a_project_among_the_packages_is_hidden(installed):
    assert {str(installed / "evaluator"), str(installed / "eplb_variants")} <= set(visible.hidden_paths())
    assert not visible.readable(installed / "evaluator" / "recordings")
    assert visible.readable(installed / "numpy")


def test_who_cannot_cover_a_folder_is_shown_the_packages_beside_it(installed):
    shown = {path for path in visible.shown_around_project() if path.startswith(str(installed))}
    assert shown == {str(installed / "numpy"), str(installed / "six.py")}
