"""Kernels are compiled before they are first used, in one go, and somebody says so; once kept, nobody says anything."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from eplb_variants.kernels import ahead, compiled
from eplb_variants.kernels.ahead import import_all, needs_compiling, prepare
from eplb_variants.kernels.compiled import KERNELS


@pytest.fixture
def empty(monkeypatch, tmp_path):
    """Return a folder for kernels in which there are none."""
    monkeypatch.setattr(ahead, "cache_folder", lambda: tmp_path)
    return tmp_path


def test_all_kernels_that_there_are_would_be_compiled(empty):
    """They are counted in the sources: as many as there are once all are imported, the evaluator's among them."""
    import_all()
    assert needs_compiling() == len({kernel.py_func for kernel in KERNELS if "<locals>" not in kernel.__qualname__})
    assert any(kernel.__module__ == "evaluator.quality.kernels" for kernel in KERNELS)
    assert 0 < needs_compiling(others=False) < needs_compiling()


def test_kept_ones_are_known_by_the_names_that_numba_gives_them():
    import_all()
    assert compiled.cache_folder() is not None
    assert needs_compiling() == 0


def test_compiling_is_said_in_a_line_before_it_begins(empty, monkeypatch):
    happened = []
    monkeypatch.setattr(ahead, "import_all", lambda **_: happened.append("compiled"))
    number = needs_compiling()
    assert prepare(happened.append) == number
    assert happened[1:] == ["compiled"]
    assert re.fullmatch(rf"compiling {number} kernels, which usually takes .* seconds; they are kept .*", happened[0])


def test_nothing_is_said_where_nothing_is_compiled():
    import_all()
    assert prepare(pytest.fail) == 0


def test_where_they_cannot_be_kept_it_says_what_to_do(monkeypatch):
    said = []
    monkeypatch.setattr(ahead, "cache_folder", lambda: None)
    monkeypatch.setattr(ahead, "import_all", lambda **_: None)
    prepare(said.append)
    assert "set NUMBA_CACHE_DIR" in said[0]


def test_a_strangers_broken_kernels_are_left_out(monkeypatch):
    class Entry:
        value, module = "bad.kernels", "bad.kernels"

        def load(self):
            raise ImportError("no such module")

    monkeypatch.setattr(ahead, "entry_points", lambda group: [Entry()])
    with pytest.warns(RuntimeWarning, match="'bad.kernels' were left out: no such module"):
        import_all()
    assert needs_compiling() == 0


def test_a_first_use_from_python_says_it_too(tmp_path):
    """Through logging, which a program can silence: without a handler the line stands on stderr."""
    code = (
        "import pathlib, sys\n"
        "from eplb_variants.kernels import accelerate, ahead\n"
        "ahead.cache_folder = lambda: pathlib.Path(sys.argv[1])\n"
        "ahead.import_all = lambda **_: None\n"
        "from eplb_variants.packing.greedy import Greedy\n"
        "accelerate(Greedy())\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert re.fullmatch(r"compiling \d+ kernels, .*\n", done.stderr)


def test_the_command_says_what_it_did():
    command = [sys.executable, "-m", "eplb_variants.kernels"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.search(r"\d+ compiled, \d+ kept", done.stdout)
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f" 0 compiled, {needs_kernels()} kept" in again.stdout, "compiled kernels are kept between processes"


def needs_kernels():
    import_all()
    return len({kernel.py_func for kernel in KERNELS if "<locals>" not in kernel.__qualname__})
