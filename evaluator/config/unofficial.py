"""What is used of Hydra beyond its documentation, all in this file, so that a new release is checked against one page.

Everything here was read in, and is tested with, Hydra 1.3.8; `pyproject.toml` asks for 1.3. What each is for:

* `hydra.core.override_parser`: a sweep is expanded here, and `compose` reads overrides only one point at a time.
* `GlobalHydra.instance().hydra`: a plan may be made within a job of Hydra's own, which wants its state back.
* `config_loader().get_group_options` and `get_sources`: there is no documented way to list the choices of a group, or
  where they come from.
* `hydra._internal.callbacks`, `compose_config`, `instantiate_launcher`, `JobReturn._return_value`: a launcher is given
  our jobs, for those of Hydra each compose the whole configuration and cannot be resumed. Launchers are made for a
  sweeper alone, and the documented name of what a job returned raises its error.
* `Plugins.instance().register` with a `SearchPathPlugin`: documented for plugins that are installed, not for folders
  that a call names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from hydra._internal.callbacks import Callbacks
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, open_dict

__all__ = [
    "Glob",
    "Override",
    "folders",
    "folders_first",
    "groups_in",
    "launcher_config",
    "launcher_for",
    "options",
    "outcome",
    "outside",
    "parser",
]


def parser() -> OverridesParser:
    """Return what reads overrides, such as ``seed=0,1``; within a ``hydra_session``."""
    return OverridesParser.create(GlobalHydra.instance().config_loader())


def options(group: str) -> list[str]:
    """Return the choices of a configuration group, sorted; within a ``hydra_session``."""
    return sorted(GlobalHydra.instance().config_loader().get_group_options(group, ObjectType.CONFIG))


def groups_in(parent: str) -> list[str]:
    """Return the groups in a group, sorted, by their whole names; within a ``hydra_session``."""
    names = GlobalHydra.instance().config_loader().get_group_options(parent, ObjectType.GROUP)
    return sorted(f"{parent}/{name}" if parent else name for name in names)


def folders() -> list[Path]:
    """Return the folders that choices are taken from, but for Hydra's own; within a ``hydra_session``."""
    found = []
    for source in GlobalHydra.instance().config_loader().get_sources():
        if source.provider != "hydra" and source.scheme() in ("file", "pkg"):
            root = source.path if source.scheme() == "file" else resources.files(source.path)
            found.append(Path(str(root)))
    return found


@contextmanager
def outside() -> Iterator[None]:
    """Put Hydra's state aside, for whatever starts it anew, and put it back."""
    before = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        yield
    finally:
        GlobalHydra.instance().hydra = before


class _Folders(SearchPathPlugin):
    """Puts folders before the package's own configuration: what stands in both is taken from the folder."""

    folders: ClassVar[tuple[Path, ...]] = ()

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Add the folders, in their order."""
        for folder in self.folders:
            search_path.prepend("command line", f"file://{folder}", SearchPathQuery(provider="main"))


@contextmanager
def folders_first(folders: Sequence[str]) -> Iterator[None]:
    """Let whatever starts Hydra find choices in these folders too, before the package's own."""
    Plugins.instance().register(_Folders)
    before, _Folders.folders = _Folders.folders, tuple(Path(folder).resolve() for folder in folders)
    try:
        yield
    finally:
        _Folders.folders = before


def launcher_config(config_name: str, overrides: Sequence[str]) -> DictConfig:
    """Return the configuration of the jobs of the launcher that overrides choose; within a ``hydra_session``."""
    config = _hydra().compose_config(config_name, list(overrides), RunMode.MULTIRUN)
    with open_dict(config):
        config.hydra.job.name = "eplb"
        config.hydra.job.chdir = False
    return config


def launcher_for(job: Callable[[Any], Any], config_name: str, overrides: Sequence[str]) -> Launcher:
    """Return the launcher that overrides choose and set up, made ready to call a job; within a ``hydra_session``."""
    config = launcher_config(config_name, overrides)
    context = HydraContext(config_loader=_hydra().config_loader, callbacks=Callbacks(config))
    return Plugins.instance().instantiate_launcher(hydra_context=context, task_function=job, config=config)


def _hydra() -> Any:
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    return hydra


def outcome(job: JobReturn) -> tuple[Any, Any]:
    """Return what a job returned and None, or None and its error."""
    if job.status is JobStatus.COMPLETED:
        return job.return_value, None
    return None, job._return_value
