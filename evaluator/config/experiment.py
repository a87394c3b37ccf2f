"""Ready studies: the axes that a file of ``conf/experiment`` sweeps, and how a command line changes them.

A study says its axes where Hydra's own sweeper reads them, under ``hydra.sweeper.params``: what stands left of ``=`` on
a command line, to what stands right of it. So ``python -m evaluator -m experiment=NAME`` runs the same study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from omegaconf import DictConfig

from eplb_variants.errors import EplbError
from evaluator.config.composed import composed
from evaluator.config.overrides import bare_key
from evaluator.config.session import plain
from evaluator.config.unofficial import Override

EXPERIMENT = "experiment"
"""The group of ready studies, and the key that chooses one."""
AXES = "hydra.sweeper.params"
"""Where a study says what it sweeps."""


def chosen_experiment(given: Sequence[Override]) -> Override | None:
    """Return the override that chooses an experiment, if there is one; EplbError where there are several."""
    chosen = [override for override in given if override.key_or_group == EXPERIMENT]
    if len(chosen) > 1 or any(override.is_sweep_override() for override in chosen):
        raise EplbError("one experiment at a time: each has a run of its own")
    return chosen[0] if chosen else None


def compose_experiment(name: str) -> tuple[DictConfig, dict[str, str]]:
    """Return what an experiment composes to, and its axes; within a ``hydra_session``.

    Raises:
        EplbError: an axis is no text or number: it is written as on a command line, not as a YAML list.
    """
    config = composed((f"{EXPERIMENT}={name}",), with_hydra=True)
    axes = plain(config.hydra.sweeper).get("params") or {}
    for key, value in axes.items():
        if not isinstance(value, str | int | float):
            raise EplbError(
                f"experiment={name} sweeps {key} over {value!r}: write it as on a command line, such as 'a,b,c'"
            )
    return config, {str(key): str(value) for key, value in axes.items()}


def sweep_lines(axes: Mapping[str, str]) -> list[str]:
    """Return axes as overrides, such as ``seed=0,1,2``."""
    return [f"{key}={value}" for key, value in axes.items()]


def merged(name: str, axes: Sequence[Override], given: Sequence[Override], multirun: bool) -> list[Override]:
    """Return an experiment's axes, then the command line's overrides; one with the key of an axis takes its place.

    Raises:
        EplbError: an axis that is not replaced sweeps, and sweeps are not allowed.
    """
    keys = [bare_key(axis) for axis in axes]
    replacing = {bare_key(override): override for override in given}
    sweeping = [key for key, axis in zip(keys, axes, strict=True) if key not in replacing and axis.is_sweep_override()]
    if sweeping and not multirun:
        raise EplbError(f"experiment={name} sweeps {sweeping[0]}: run it with `eplb evaluate -m experiment={name}`")
    own = [override for override in given if bare_key(override) not in keys]
    return [*(replacing.get(key, axis) for key, axis in zip(keys, axes, strict=True)), *own]
