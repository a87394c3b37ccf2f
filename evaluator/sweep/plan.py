"""What a command is to do: its overrides become a plan of cells."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eplb_variants import Variant
from eplb_variants.errors import EplbError, unknown
from evaluator.analysis.score import Score
from evaluator.config.composer import Composer
from evaluator.config.session import hydra_session
from evaluator.sweep.cell import Cell
from evaluator.sweep.limits import Limits
from evaluator.timing.settings import TimingSettings

MEASURES = ("quality", "time", "both")
PER_RUN = ("run", "runs_dir", "reference", "measure", "refresh", "place_seconds_limit", "memory_mib_limit", "shares")
"""Keys that are the same for all cells of a command."""


@dataclass(frozen=True)
class Plan:
    """What a command is to do.

    Attributes:
        cells: what to evaluate, in the order of the sweep, then the reference where it was not named.
        folder: where results go.
        reference: what variants are compared with and timed beside.
        measure: ``quality``, ``time`` or ``both``.
        refresh: whether to measure again what is there.
        timing: how to time.
        score: by which formula the summary ranks.
        launcher: the overrides that choose a launcher of Hydra's and set it up; none for this process.
        left_out: why choices that a wildcard brought in cannot run, a sentence each.
        limits: what a variant may use.
        shares: parts that a launcher's sweep is cut into; 0 for as many as it can use.
    """

    cells: tuple[Cell, ...]
    folder: Path
    reference: Variant
    measure: str
    refresh: bool
    timing: TimingSettings
    score: Score
    launcher: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    shares: int = 0


def make_plan(overrides: Sequence[str], *, multirun: bool = False, config_dirs: Sequence[str] = ()) -> Plan:
    """Return the plan of a command.

    Args:
        overrides: in Hydra's grammar, such as ``variant=seed``, ``workload.interval=16`` or, with ``multirun``,
            ``seed=0,1,2`` and ``workload=glob(*)``.
        multirun: whether sweeps are allowed.
        config_dirs: folders with further choices, laid out as ``conf/`` is.

    Raises:
        EplbError: whatever is wrong with the configuration, with the nearest match.
    """
    launcher = tuple(word for word in overrides if word.lstrip("+~").startswith(("hydra/", "hydra.")))
    overrides = [word for word in overrides if word not in launcher]
    with hydra_session(config_dirs):
        composer = Composer()
        cells: dict[int, Cell] = {}
        left_out: dict[str, None] = {}
        settings: dict[str, Any] | None = None
        score: Score | None = None
        for number, choice in enumerate(composer.expand(overrides, multirun)):
            common = composer.common(choice)
            if settings is not None and any(settings[key] != common[key] for key in (*PER_RUN, "timing")):
                raise EplbError(f"{', '.join(PER_RUN)} and timing are the same for all cells: they cannot be swept")
            settings = common
            if score not in (None, composer.score(choice)):
                raise EplbError("the score is the same for all cells: sweep without it, then `eplb compare --score`")
            score = composer.score(choice)
            try:
                cells[number] = composer.cell(choice, common["seed"])
            except EplbError as error:
                if not choice.from_glob:
                    raise
                left_out[str(error)] = None
        if settings is None or score is None or not cells:
            raise EplbError(next(iter(left_out), "the sweep is empty"))
        reference = composer.variant(settings["reference"])
        return Plan(
            cells=_with_reference(_told_apart(list(cells.values())), reference),
            folder=_folder(settings),
            reference=reference,
            measure=_one_of("measure", settings["measure"], MEASURES),
            refresh=settings["refresh"],
            timing=TimingSettings(**settings["timing"]),
            score=score,
            launcher=launcher,
            left_out=(*left_out, *composer.unseeded),
            limits=Limits(settings["place_seconds_limit"], settings["memory_mib_limit"]),
            shares=_at_least_zero("shares", settings["shares"]),
        )


def _told_apart(cells: list[Cell]) -> list[Cell]:
    """Return the cells with recordings of one file name and different content told apart by their hash."""
    contents: dict[str, set[str]] = {}
    for cell in cells:
        contents.setdefault(cell.workload.name, set()).add(cell.workload.content)

    def renamed(cell: Cell) -> Cell:
        name = cell.workload.name
        if len(contents[name]) == 1:
            return cell
        workload = dataclasses.replace(cell.workload, name=f"{name}#{cell.workload.content[:6]}")
        return dataclasses.replace(cell, workload=workload)

    return [renamed(cell) for cell in cells]


def _with_reference(cells: Sequence[Cell], reference: Variant) -> tuple[Cell, ...]:
    """Return the cells with the reference on each of their workloads: without it there is nothing to compare with."""
    beside = [dataclasses.replace(cell, variant=reference) for cell in cells]
    return tuple({cell.key: cell for cell in [*cells, *beside]}.values())


def _folder(settings: Mapping[str, Any]) -> Path:
    name = settings["run"]
    if not name or name != Path(name).name or name.startswith("."):
        raise EplbError(f"run is {name!r}: it is the name of a folder under runs_dir, without slashes or a dot before")
    return Path(settings["runs_dir"]) / name


def _at_least_zero(what: str, given: int) -> int:
    if given < 0:
        raise EplbError(f"{what} is {given}: it must be 0 or more")
    return given


def _one_of(what: str, given: str, allowed: Sequence[str]) -> str:
    if given not in allowed:
        raise unknown(what, given, allowed)
    return given
