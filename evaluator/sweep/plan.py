"""What a command is to do: its overrides become a plan of cells."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eplb_variants import Variant
from eplb_variants.errors import EplbError, unknown
from evaluator.analysis.score import Score
from evaluator.config.composer import Composer, Point
from evaluator.config.experiment import AXES
from evaluator.config.session import hydra_session
from evaluator.sweep.building import Builder
from evaluator.sweep.cell import Cell
from evaluator.sweep.limits import Limits
from evaluator.sweep.suite import Suite, make_suite, suite_apart
from evaluator.timing.settings import TimingSettings

LONGEST_RUN = 200
"""Bytes of the name of a run: a file beside its folder bears it, too, and a file system takes 255."""
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
        suite: that the cells are of; None where they were chosen one by one.
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
    suite: Suite | None = None


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
    launcher, overrides = launcher_apart(overrides)
    suite_name, overrides = suite_apart(overrides)
    with hydra_session(config_dirs):
        composer, builder = Composer(), Builder(tuple(f"--config-dir={folder}" for folder in config_dirs))
        points, left_out = list(composer.points(overrides, multirun)), dict[str, None]()
        if not points:
            raise EplbError("the sweep is empty")
        settings, score = _the_same_for_all(points, builder)
        reference = composer.chosen("variant", settings["reference"])

        def cells_of(points: Iterable[Point]) -> list[Cell]:
            """Return the cells of points, and the reference on each of their workloads, to compare with."""
            cells, beside = list[Cell](), list[Cell]()
            for point in points:
                try:
                    cells.append(builder.cell(point))
                    beside.append(builder.cell(point, reference))
                except EplbError as error:
                    if not point.from_glob:
                        raise
                    left_out[str(error)] = None
            if not cells:
                raise EplbError(next(iter(left_out)))
            return [*cells, *beside]

        suite = make_suite(suite_name, overrides, composer, cells_of) if suite_name else None
        cells = cells_of(points) if suite is None else list(suite.cells)
        return Plan(
            cells=tuple({cell.key: cell for cell in _told_apart(cells)}.values()),
            folder=_folder(settings),
            reference=builder.variant(reference),
            measure=_one_of("measure", settings["measure"], MEASURES),
            refresh=settings["refresh"],
            timing=TimingSettings(**settings["timing"]),
            score=score,
            launcher=launcher,
            left_out=(*left_out, *builder.unseeded),
            limits=Limits(settings["place_seconds_limit"], settings["memory_mib_limit"]),
            shares=_at_least_zero("shares", settings["shares"]),
            suite=suite,
        )


def load_score(name: str, config_dirs: Sequence[str] = ()) -> Score:
    """Return the score of that name; EplbError names the nearest match otherwise."""
    with hydra_session(config_dirs):
        return Builder().score(Composer().chosen("score", name))


def launcher_apart(overrides: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Return the overrides that set up a launcher, and the others.

    Raises:
        EplbError: one is for Hydra's sweeper, which has nothing to do here.
    """
    launcher = tuple(word for word in overrides if word.lstrip("+~").startswith(("hydra/", "hydra.")))
    for word in launcher:
        if word.lstrip("+~").startswith(("hydra.sweeper", "hydra/sweeper")):
            key, _, value = word.lstrip("+~").partition("=")
            axis = f"{key.removeprefix(AXES)}={value}".lstrip(".").replace("\\,", ",")
            meant = f"write {axis}, with -m" if key.startswith(f"{AXES}.") else "sweeps are written as a=1,2, with -m"
            raise EplbError(f"{word!r} is for files of conf/experiment: on a command line, {meant}")
    return launcher, [word for word in overrides if word not in launcher]


def _the_same_for_all(points: Sequence[Point], builder: Builder) -> tuple[dict[str, Any], Score]:
    """Return the settings outside the sections, and the score; EplbError where points differ in them."""
    settings, section = points[0].settings, points[0].section("score")
    for point in points:
        if any(settings[key] != point.settings[key] for key in (*PER_RUN, "timing")):
            raise EplbError(f"{', '.join(PER_RUN)} and timing are the same for all cells: they cannot be swept")
        if point.section("score") is not section and builder.score(point.section("score")) != builder.score(section):
            raise EplbError("the score is the same for all cells: sweep without it, then `eplb compare --score`")
    return settings, builder.score(section)


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


def _folder(settings: Mapping[str, Any]) -> Path:
    name = settings["run"]
    if not name or name != Path(name).name or name.startswith("."):
        raise EplbError(f"run is {name!r}: it is the name of a folder under runs_dir, without slashes or a dot before")
    if not name.isprintable() or len(os.fsencode(name)) > LONGEST_RUN:
        raise EplbError(
            f"run is {name[:40]!r}: a name has {LONGEST_RUN} bytes at most, all of letters that can be shown"
        )
    if name.endswith(".parquet"):
        raise EplbError(f"run is {name!r}: a name that ends in .parquet is kept for files")
    return Path(settings["runs_dir"]) / name


def _at_least_zero(what: str, given: int) -> int:
    if given < 0:
        raise EplbError(f"{what} is {given}: it must be 0 or more")
    return given


def _one_of(what: str, given: str, allowed: Sequence[str]) -> str:
    if given not in allowed:
        raise unknown(what, given, allowed)
    return given
