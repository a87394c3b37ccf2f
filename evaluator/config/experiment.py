"""Ready studies: the axes that a file of ``conf/experiment`` sweeps, and how a command line changes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.types import Override

from eplb_variants.errors import EplbError

EXPERIMENT = "experiment"
"""The group of ready studies, and the key that chooses one."""


def chosen_experiment(given: Sequence[Override]) -> Override | None:
    """Return the override that chooses an experiment, if there is one; EplbError where there are several."""
    chosen = [override for override in given if override.key_or_group == EXPERIMENT]
    if len(chosen) > 1 or any(override.is_sweep_override() for override in chosen):
        raise EplbError("one experiment at a time: each has a run of its own")
    return chosen[0] if chosen else None


def sweep_lines(name: str, sweep: Mapping[str, Any]) -> list[str]:
    """Return the axes of an experiment as overrides, such as ``seed=0,1,2``.

    Args:
        name: of the experiment, for the error.
        sweep: its key ``sweep``: what stands left of ``=`` on a command line, to what stands right of it.

    Raises:
        EplbError: a value is no text or number: an axis is written as on a command line, not as a YAML list.
    """
    for key, value in sweep.items():
        if not isinstance(value, str | int | float):
            raise EplbError(
                f"experiment={name} sweeps {key} over {value!r}: write it as on a command line, such as 'a,b,c'"
            )
    return [f"{key}={value}" for key, value in sweep.items()]


def merged(name: str, axes: Sequence[Override], given: Sequence[Override], multirun: bool) -> list[Override]:
    """Return an experiment's axes, then the command line's overrides; one with the key of an axis takes its place.

    Raises:
        EplbError: an axis that is not replaced sweeps, and sweeps are not allowed.
    """
    keys = [axis.get_key_element() for axis in axes]
    replacing = {override.get_key_element(): override for override in given}
    sweeping = [key for key, axis in zip(keys, axes, strict=True) if key not in replacing and axis.is_sweep_override()]
    if sweeping and not multirun:
        raise EplbError(f"experiment={name} sweeps {sweeping[0]}: run it with `eplb evaluate -m experiment={name}`")
    own = [override for override in given if override.get_key_element() not in keys]
    return [*(replacing.get(key, axis) for key, axis in zip(keys, axes, strict=True)), *own]
