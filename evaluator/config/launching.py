"""Jobs through Hydra's launchers: joblib on one machine, submitit for a Slurm cluster, whatever else is installed.

A job is a call with one word; its configuration is the one that the launcher itself needs and nothing of ours, for all
that a job is to do travels with the callable.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from eplb_variants.errors import EplbError, unknown
from evaluator.config.session import CONFIG_NAME, hydra_session
from evaluator.config.unofficial import launcher_for, options, outcome

JOBS = ".jobs"
"""The folder of a run that launchers write to: what their jobs print, and submitit's pickles."""


class Job:
    """What a launcher calls, in another process: it finds its word in the configuration."""

    def __init__(self, task: Callable[[str], Any]) -> None:
        self._task = task

    def __call__(self, config: DictConfig) -> Any:
        """Return what the task returns; its error, in words, where it fails."""
        try:
            return self._task(str(config.share))
        except EplbError as error:
            return str(error)
        except Exception as error:  # one job's end is not that of the others
            logging.getLogger(__name__).exception("a job failed")
            return f"{type(error).__name__}: {error}"


def launch(task: Callable[[str], Any], words: Sequence[str], launcher: Sequence[str], folder: Path) -> list[Any]:
    """Call ``task`` with each word, in jobs of a launcher, and return what the calls returned, or errors in words.

    Args:
        task: it can be pickled, as can what it returns.
        words: one for each job.
        launcher: the overrides that choose and set up a launcher, such as ``hydra/launcher=joblib``.
        folder: of the run.

    Raises:
        EplbError: there is no such launcher, or it cannot be set up so.
    """
    jobs = folder / JOBS
    own = [
        f"hydra.sweep.dir={jobs.resolve()}",
        "hydra.sweep.subdir=${hydra.job.num}",
        "hydra.output_subdir=null",
        "hydra/job_logging=none",
        "hydra/hydra_logging=none",
        "+share=0",
    ]
    with hydra_session():
        _check_launcher(launcher)
        made = launcher_for(Job(task), CONFIG_NAME, [*own, *launcher])
        try:
            returned = made.launch([[f"+share={word}"] for word in words], 0)
        except Exception as error:  # a job that was killed, or ran out of its time
            return [f"the launcher ended early: {type(error).__name__}: {_first_line(error)}"]
    return [_value(job) for job in returned]


def _check_launcher(launcher: Sequence[str]) -> None:
    known = options("hydra/launcher")
    for override in launcher:
        key, _, name = override.partition("=")
        if key == "hydra/launcher" and name not in known:
            raise EplbError(f"{unknown('launcher', name, known)}; others come with pip install 'eplb-lab[launchers]'")


def _value(job: Any) -> Any:
    returned, error = outcome(job)
    return returned if error is None else _first_line(error)


def _first_line(error: Any) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
