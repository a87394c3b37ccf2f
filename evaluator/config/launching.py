"""Jobs through Hydra's launchers: joblib on one machine, submitit for a Slurm cluster, whatever else is installed.

A job is a call with one word; its configuration is the one that the launcher itself needs and nothing of ours, for all
that a job is to do travels with the callable.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from omegaconf import DictConfig

from eplb_variants.errors import EplbError, unknown
from evaluator.config.session import CONFIG_NAME, hydra_session
from evaluator.config.unofficial import launcher_config, launcher_for, options, outcome

JOBS = ".jobs"
"""The folder of a run that launchers write to: what their jobs print, and submitit's pickles."""


WATCH, WATCH_SECONDS = "ends with its parent", 0.2
"""Name of the thread that does so, and how often it looks."""


class Capacity(NamedTuple):
    """What a launcher can do at once.

    Attributes:
        jobs: jobs that it runs at the same time.
        here: whether they run on this machine.
        reused: whether a process takes one job after the other; else each job has one of its own.
    """

    jobs: int
    here: bool
    reused: bool


class Failure(NamedTuple):
    """Why a job did not return.

    Attributes:
        words: the reason.
        is_lost: whether the job itself came to an end (killed, out of its time); else it said what is wrong.
    """

    words: str
    is_lost: bool = True


class Job:
    """What a launcher calls, mostly in another process: it finds its word in the configuration."""

    def __init__(self, task: Callable[[str], Any]) -> None:
        self._task, self._starter = task, os.getpid()

    def __call__(self, config: DictConfig) -> Any:
        """Return what the task returns, or its failure."""
        if os.getpid() != self._starter:  # some launchers work in the process that starts them
            _end_with_parent()
        try:
            return self._task(str(config.share))
        except EplbError as error:
            return Failure(str(error), is_lost=False)
        except Exception as error:  # one job's end is not that of the others
            logging.getLogger(__name__).exception("a job failed")
            return Failure(f"{type(error).__name__}: {error}")


@cache
def _end_with_parent() -> None:
    """End this process soon after the one that waits for it has ended, however that ended.

    The workers of a command that was killed would else go on to the end of their jobs, which nobody asked for any more.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(1)  # as if it had been killed, too: at most what is in progress is lost

    Thread(target=watch, name=WATCH, daemon=True).start()


def launch(task: Callable[[str], Any], words: Sequence[str], launcher: Sequence[str], folder: Path) -> list[Any]:
    """Call ``task`` with each word, in jobs of a launcher, and return what the calls returned, or their ``Failure``.

    Args:
        task: it can be pickled, as can what it returns.
        words: one for each job.
        launcher: the overrides that choose and set up a launcher, such as ``hydra/launcher=joblib``.
        folder: of the run.

    Raises:
        EplbError: there is no such launcher, or it cannot be set up so.
    """
    with hydra_session():
        made = launcher_for(Job(task), CONFIG_NAME, _overrides(launcher, folder / JOBS))
        try:
            with contextlib.redirect_stdout(sys.stderr):  # submitit logs to stdout, which may be one JSON document
                returned = made.launch([[f"+share={word}"] for word in words], 0)
        except Exception as error:  # a job that was killed, or ran out of its time
            return [Failure(f"the launcher ended early: {type(error).__name__}: {_last_line(error)}")]
    return [_value(job) for job in returned]


def capacity(launcher: Sequence[str]) -> Capacity:
    """Return how many jobs a launcher can run at once, as it is set up.

    Args:
        launcher: the overrides that choose and set it up.

    Raises:
        EplbError: there is no such launcher, or it cannot be set up so.
    """
    with hydra_session():
        settings = launcher_config(CONFIG_NAME, _overrides(launcher, Path())).hydra.launcher
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if "n_jobs" in settings:  # joblib's grammar: -1 is all cores, -2 all but one
        given = settings.n_jobs or 1
        return Capacity(max(1, given if given > 0 else cores + 1 + given), here=True, reused=True)
    if "array_parallelism" in settings:
        return Capacity(max(1, settings.array_parallelism), here=False, reused=False)
    if "submitit_folder" in settings:  # submitit_local starts all jobs at once
        return Capacity(cores, here=True, reused=False)
    return Capacity(1, here=True, reused=True)  # Hydra's own, which works in the starting process


def _overrides(launcher: Sequence[str], jobs: Path) -> list[str]:
    """Return all that chooses and sets up a launcher, whose jobs write to a folder; within a ``hydra_session``."""
    own = [
        f"hydra.sweep.dir={jobs.resolve()}",
        "hydra.sweep.subdir=${hydra.job.num}",
        "hydra.output_subdir=null",
        "hydra/job_logging=none",
        "hydra/hydra_logging=none",
        "+share=0",
    ]
    _check_launcher(launcher)
    return [*own, *launcher]


def _check_launcher(launcher: Sequence[str]) -> None:
    known = options("hydra/launcher")
    for override in launcher:
        key, _, name = override.partition("=")
        if key == "hydra/launcher" and name not in known:
            raise EplbError(f"{unknown('launcher', name, known)}; others come with pip install 'eplb-lab[launchers]'")


def _value(job: Any) -> Any:
    returned, error = outcome(job)
    return returned if error is None else Failure(_last_line(error))


def _last_line(error: Any) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
