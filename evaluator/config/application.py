"""Hydra's own application: what ``python -m evaluator`` is, and what prints a configuration for ``eplb evaluate``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from eplb_variants.errors import EplbError
from evaluator.config.catalogue import CONFIG_MODULE, check_files
from evaluator.config.composer import SECTIONS, Composer
from evaluator.config.experiment import EXPERIMENT
from evaluator.config.schemas import register_schemas
from evaluator.config.session import CONFIG_NAME, hydra_session
from evaluator.config.unofficial import folders_first, outside


def application(task: Callable[[list[str], list[str]], None]) -> Callable[[], Any]:
    """Return the plain Hydra application, which reads ``sys.argv`` and calls a task for each of its jobs.

    Args:
        task: called with the overrides of a job, and the folders with further choices.
    """
    register_schemas()

    def job(_: DictConfig) -> None:
        config = HydraConfig.get()
        folders = [source.path for source in config.runtime.config_sources if source.provider == "command-line"]
        task(list(config.overrides.task), folders)

    return hydra.main(config_path=f"pkg://{CONFIG_MODULE}", config_name=CONFIG_NAME, version_base="1.3")(job)


def show(flags: Sequence[str], overrides: Sequence[str], config_dirs: Sequence[str] = ()) -> None:
    """Let Hydra's application print what its flags ask for.

    Args:
        flags: of Hydra's, such as ``--cfg job``.
        overrides: of the configuration.
        config_dirs: folders with further choices.

    Raises:
        EplbError: the configuration is wrong, or Hydra refused, having said why.
    """
    check_files(config_dirs)
    if overrides:
        _check(overrides, config_dirs)
    before, sys.argv = sys.argv, ["eplb", *flags, *overrides]
    try:
        with outside(), folders_first(config_dirs):
            application(lambda overrides, folders: None)()
    except SystemExit as end:
        if end.code:
            raise EplbError(f"Hydra cannot show this with {' '.join(flags)}") from None
    finally:
        sys.argv = before


def _check(overrides: Sequence[str], config_dirs: Sequence[str]) -> None:
    """Raise EplbError, a sentence, where Hydra would print a page; an experiment is shown without being swept."""
    own = [word for word in overrides if not word.lstrip("+~").startswith(("hydra.", "hydra/"))]
    with hydra_session(config_dirs):
        studied = any(word.startswith(f"{EXPERIMENT}=") for word in own)
        point = next(Composer().points(own, multirun=studied))
        for name in SECTIONS if point.settings else ():
            point.section(name)
