"""What Hydra composes, each once in a process for as long as no file that it is composed from changes.

Composing a configuration takes Hydra a tenth of a second, a hundred times a lookup: a call of ``evaluate`` in a loop,
or in a notebook, composes nothing anew.
"""

from __future__ import annotations

from hydra import compose
from omegaconf import DictConfig

from evaluator.config.session import CONFIG_NAME
from evaluator.config.unofficial import folders

_kept: dict[tuple[tuple[str, ...], bool], DictConfig] = {}
_state: list[tuple[str, int, int]] = []
"""Path, time of the last change and size of each file that what is kept was composed from."""


def composed(groups: tuple[str, ...], with_hydra: bool = False) -> DictConfig:
    """Return the configuration that overrides of groups compose to, a copy; within a ``hydra_session``.

    Args:
        groups: overrides such as ``variant=seed``.
        with_hydra: whether Hydra's own section is in it.
    """
    found = [(str(path), path.stat()) for folder in folders() for path in sorted(folder.rglob("*.yaml"))]
    state = [(path, stat.st_mtime_ns, stat.st_size) for path, stat in found]
    if state != _state:
        _kept.clear()
        _state[:] = state
    key = groups, with_hydra
    if key not in _kept:
        _kept[key] = compose(CONFIG_NAME, overrides=list(groups), return_hydra_config=with_hydra)
    return _kept[key].copy()
