"""Jobs return what their calls return, or why there is nothing to return; one job's end is not that of the others."""

from __future__ import annotations

import os

from eplb_variants import EplbError
from evaluator.config.launching import Failure, launch


def task(word):
    if word == "cannot":
        raise EplbError("no room")
    if word == "breaks":
        raise ZeroDivisionError("division by zero")
    if word == "ends":
        os._exit(1)
    return word.upper()


def test_what_each_call_returned(tmp_path):
    words = ["a", "cannot", "breaks"]
    launcher = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    assert launch(task, words, launcher, tmp_path) == [
        "A",
        Failure("no room", is_lost=False),
        Failure("ZeroDivisionError: division by zero"),
    ]


def test_a_process_that_ends_is_a_job_that_is_lost(tmp_path):
    (failure,) = launch(task, ["ends"], ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"], tmp_path)
    assert failure.is_lost
    assert failure.words.startswith("the launcher ended early: TerminatedWorkerError: ")
