"""Suites: frozen choices of workloads, topologies and traces, with a part to train on and a part that is held out.

A suite is a file of ``conf/suite``. Each of its strata says in overrides what it chooses, and for each of its traces
the seed and the hash of the windows, so that whoever makes other windows of them, with another version of this package
or of NumPy, is told so before anything is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from eplb_variants.errors import EplbError
from evaluator.config.composer import Composer, Point
from evaluator.sweep.cell import Cell
from evaluator.sweep.stratum import Frozen, Stratum
from evaluator.workloads.windows import hash_of_windows

SUITE = "suite"
"""The group of suites, and the key that chooses one."""
TRAINING, HELD_OUT = "training", "held-out"
PARTS = {TRAINING: "training", HELD_OUT: "held_out"}
"""What parts are called in results, and in files."""


class OfSuite(NamedTuple):
    """A stratum of a suite: of which part, what its file calls it, and what it is."""

    part: str
    label: str
    stratum: Stratum

    def __str__(self) -> str:
        return f"{self.part}, {self.label}"


@dataclass(frozen=True)
class Suite:
    """A suite.

    Attributes:
        name: which.
        strata: in the order of the file, those to train on first.
        cells: one for each variant, stratum and trace.
    """

    name: str
    strata: tuple[OfSuite, ...]
    cells: tuple[Cell, ...]

    def part(self, name: str) -> tuple[Stratum, ...]:
        """Return the strata of a part."""
        return tuple(one.stratum for one in self.strata if one.part == name)

    def check(self, cells: Iterable[Cell]) -> None:
        """Make the windows of some of its cells, and see that they are what it was frozen with.

        Raises:
            UnusableWorkload: they are not.
        """
        wanted = {(cell.workload.identity, cell.seed) for cell in cells}
        for _, _, stratum in self.strata:
            for seed in stratum.seeds:
                if (stratum.workload.identity, seed) in wanted:
                    stratum.check(seed, stratum.workload.windows(seed))


def suite_apart(overrides: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the name of the suite that overrides choose, None where they choose none, and the others.

    Raises:
        EplbError: there are several, or others choose what the suite does.
    """
    chosen = [word for word in overrides if word.partition("=")[0].lstrip("+~") == SUITE]
    others = [word for word in overrides if word not in chosen]
    names = {word.partition("=")[2] for word in chosen}
    if not names or names == {"null"}:
        return None, others
    name, *more = names
    if more or "," in name or "(" in name:
        raise EplbError("one suite at a time: its name stands beside every result")
    for word in others:
        key = word.partition("=")[0].lstrip("+~")
        if key.partition(".")[0].partition("/")[0] in ("workload", "topology", "seed", "experiment"):
            raise EplbError(f"suite={name} says which workloads, topologies and seeds there are: leave out {word!r}")
    return name, others


def make_suite(
    name: str, overrides: Sequence[str], composer: Composer, cells_of: Callable[[Iterable[Point]], list[Cell]]
) -> Suite:
    """Return a suite with the cells of what overrides choose beside it; within a ``hydra_session``.

    Args:
        name: of a file of ``conf/suite``.
        overrides: such as ``variant=seed,deepseek``; what they sweep is swept over the suite.
        composer: composes what is chosen.
        cells_of: builds the cells of points, the reference's among them.

    Raises:
        EplbError: there is no such suite, or what it says cannot be used.
    """
    config = composer.suite(name)
    strata: list[OfSuite] = []
    cells: list[Cell] = []
    for part, key in PARTS.items():
        for label, said in config[key].items():
            stratum, of_stratum = _stratum(name, part, label, said, overrides, composer, cells_of)
            strata.append(OfSuite(part, label, stratum))
            cells += of_stratum
    suite = Suite(name, tuple(strata), tuple(cells))
    if not suite.part(TRAINING):
        raise EplbError(f"suite={name} has no training part")
    return suite


class Made(NamedTuple):
    """What a machine makes of a stratum."""

    of_suite: OfSuite
    shape: tuple[int, ...]
    """Windows, layers and experts."""
    hashes: dict[int, str]
    """Of the windows of each trace, by its seed."""

    @property
    def differing(self) -> list[int]:
        """The seeds whose windows are others than the suite was frozen with."""
        frozen = self.of_suite.stratum.frozen
        return [seed for seed, found in self.hashes.items() if frozen and frozen.hashes[seed] != found]


def made_of(suite: Suite, done: Callable[[str], None]) -> list[Made]:
    """Make the windows of all traces of a suite, and return what they are.

    Args:
        suite: whose.
        done: told of each trace that was made.
    """
    found = []
    for one in suite.strata:
        hashes, shape = dict[int, str](), tuple[int, ...]()
        for seed in one.stratum.seeds:
            windows_WLE = one.stratum.workload.windows(seed)
            hashes[seed], shape = hash_of_windows(windows_WLE), windows_WLE.shape
            done(str(one))
        found.append(Made(one, shape, hashes))
    return found


def _stratum(
    suite: str,
    part: str,
    label: str,
    said: Mapping[str, Any],
    overrides: Sequence[str],
    composer: Composer,
    cells_of: Callable[[Iterable[Point]], list[Cell]],
) -> tuple[Stratum, list[Cell]]:
    """Return a stratum, and its cells."""
    seeds, hashes = said["seeds"], said["loads"]
    where = f"suite={suite}, {part}, {label!r}"
    if not seeds or len(set(seeds)) != len(seeds):
        raise EplbError(f"{where}: seeds must be one or more, all different")
    if hashes and len(hashes) != len(seeds):
        raise EplbError(f"{where}: there must be as many loads as seeds, {len(seeds)}, or none")
    sweep = f"seed={','.join(map(str, seeds))}"
    cells = cells_of(composer.points([*overrides, *said["choose"].split(), sweep], multirun=True))
    first = cells[0]
    if any((cell.workload, cell.topology) != (first.workload, first.topology) for cell in cells):
        raise EplbError(f"{where}: choose says {said['choose']!r}: one workload on one topology, without a sweep")
    if not first.workload.seeded and len(seeds) > 1:
        raise EplbError(f"{where}: {first.workload.name!r} is the same for every seed: it is one trace")
    frozen = Frozen(where, dict(zip(seeds, hashes, strict=True))) if hashes else None
    name = first.workload.name if part == TRAINING else f"{first.workload.name} ({part})"
    workload = replace(first.workload, name=name)
    stratum = Stratum(workload, first.topology_name, first.topology, tuple(seeds), frozen)
    return stratum, [replace(cell, workload=workload, suite=suite, part=part) for cell in cells]
