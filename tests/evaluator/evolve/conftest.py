"""Studies that are judged in a second, and what was started for them ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

import pytest

from evaluator.candidates.program import example_program
from evaluator.evolve.study import create_study

from .model import EDITS

SMALL = ["workload.num_layers=3", "workload.windows=4"]


def edited(what):
    """Return the example program after one of ``EDITS``."""
    search, replace = EDITS[what]
    source = example_program().source
    assert search in source
    return source.replace(search, replace, 1)


@pytest.fixture
def study(tmp_path):
    """Return a small study; its scorer, should one be started, is ended."""
    made = create_study(tmp_path / "study", example_program().source, SMALL, traces=4, seconds=60.0, idle_seconds=30.0)
    yield made
    end_scorers_of(made)


def scorers_of(study):
    """Return the numbers of the processes that score for a study."""
    found = subprocess.run(["ps", "-ewwo", "pid,args"], capture_output=True, text=True, check=True).stdout
    ours = [line.split() for line in found.splitlines() if f"-m evaluator.evolve {study.folder}" in line]
    return [int(words[0]) for words in ours]


def end_scorers_of(study):
    for process in scorers_of(study):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
