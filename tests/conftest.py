"""What several tests share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evaluator import timing

SMALL = ["workload.num_layers=3", "workload.windows=6", "workload.tokens=5000"]
"""Overrides that make a synthetic workload small enough for a test."""
QUICK = ["timing.rounds=3", "timing.min_rounds=3"]


@pytest.fixture
def small():
    """Return the overrides of a small workload on which little is timed."""
    return [*SMALL, *QUICK]


@pytest.fixture(autouse=True)
def own_timing_lock(tmp_path_factory, monkeypatch):
    """Tests that run beside each other do not wait for each other's timing passes."""
    monkeypatch.setattr(timing, "LOCK", str(tmp_path_factory.mktemp("lock") / "lock"))


@pytest.fixture
def eplb(tmp_path):
    """Return a function that runs the installed command in an empty folder, as a user would."""
    command = Path(sys.executable).with_name("eplb")

    def run(*arguments, check=None):
        done = subprocess.run(
            [str(command), *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        if check is not None:
            assert done.returncode == check, done.stdout + done.stderr
        return done

    return run
