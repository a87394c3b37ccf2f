"""From the plain sections of a configuration to what a cell is made of, and what it is called."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from eplb_variants import Topology, Variant, load_variant
from eplb_variants.errors import EplbError
from eplb_variants.registry import find
from eplb_variants.topology import COUNTS
from eplb_variants.variant import STAGE_KEYS, flat
from evaluator.analysis.score import Score
from evaluator.config.composer import Point, Section
from evaluator.sweep.cell import Cell, Workload
from evaluator.sweep.identity import digest
from evaluator.workloads.kept import Kept

LONGEST_RUNS = 40
"""Characters of speeds in the name of a topology."""
KEPT = ".traces"
"""The folder under ``runs_dir`` with the traces of long workloads."""


class Builder:
    """Builds cells; what equal sections are built into is the same object.

    Args:
        extra: overrides that concern all cells, such as ``--config-dir=DIR``.
    """

    def __init__(self, extra: tuple[str, ...] = ()) -> None:
        self._extra = extra
        self._built: dict[Any, Any] = {}
        self.unseeded: dict[str, None] = {}
        """Sentences about seeds that make no difference."""

    def cell(self, point: Point, reference: Section | None = None) -> Cell:
        """Return the cell of a point of a sweep.

        Args:
            point: of the sweep.
            reference: a variant in place of the point's own.

        Raises:
            EplbError: a section cannot be built.
        """
        variant = reference or point.section("variant")
        workload, topology = point.section("workload"), point.section("topology")
        seed, runs_dir = int(point.settings["seed"]), str(point.settings["runs_dir"])
        topology_name, machine = self._once(topology, _topology)
        if seed < 0:
            raise EplbError(f"seed is {seed}: it must be 0 or more")
        chosen: Workload = self._once(
            workload, lambda section: _workload(section, Kept(Path(runs_dir) / KEPT)), runs_dir
        )
        if seed and not chosen.seeded:
            self.unseeded[f"the seeds of {chosen.name!r}, which is the same for every seed"] = None
            seed = 0
        parts = (*variant.overrides, *workload.overrides, *topology.overrides, f"seed={seed}")
        overrides = tuple(dict.fromkeys([*self._extra, *parts]))
        return Cell(self.variant(variant), chosen, topology_name, machine, seed, overrides)

    def variant(self, section: Section) -> Variant:
        """Return the variant of a section."""
        made: Variant = self._once(section, lambda s: load_variant({**s.values, "name": label(s.values, s.preset)}))
        return made

    def score(self, section: Section) -> Score:
        """Return the score of a section."""
        made: Score = self._once(section, lambda section: Score(**section.values))
        return made

    def _once(self, section: Section, build: Any, *more: Any) -> Any:
        if (section, more) not in self._built:
            self._built[section, more] = build(section)
        return self._built[section, more]


def _workload(section: Section, kept: Kept) -> Workload:
    config, preset = section.values, section.preset
    named = Workload("", {k: v for k, v in config.items() if k not in ("name", "summary")}, kept)
    where = {key: config[key] for key in named.source.located_by}
    name = label({**config, "name": named.source.own_name or config["name"]}, {**preset, **where})
    named.check()
    return replace(named, name=name)


def _topology(section: Section) -> tuple[str, Topology]:
    config, preset = section.values, section.preset
    counts = {name: config[name] for name in (*COUNTS, "alignment")}
    whole = Topology(**counts, speeds=tuple(_speeds(config["speeds"])))
    failed = sorted(set(config["failed"]))
    made = whole.without(failed) if failed else whole
    if config == preset:
        return config["name"], made
    name = config["name"] if all(config[count] == preset[count] for count in COUNTS) else numbers(whole)
    tile = str(whole.alignment) if whole.alignment else ""
    told = {"speeds": in_runs(whole.speeds), "failed": "+".join(map(str, failed)), "alignment": tile}
    changed = [f"{key}={words}" for key, words in told.items() if words]
    return (f"{name}[{','.join(changed)}]" if changed else name), made


def _speeds(given: Sequence[Any]) -> Iterator[float]:
    """Yield the speed of each GPU: numbers, or such as ``8*0.5`` for eight."""
    for one in given:
        number, times, speed = str(one).rpartition("*")
        try:
            yield from [float(speed)] * (int(number) if times else 1)
        except ValueError:
            raise EplbError(f"topology.speeds has {one!r}: it must be a number, or such as 8*0.5 for eight") from None


def in_runs(speeds: Sequence[float]) -> str:
    """Return speeds in few words: ``8*1+24*0.8``, or a digest of what is longer than that."""
    runs = "+".join(f"{len(list(run))}*{speed:g}" for speed, run in itertools.groupby(speeds))
    return runs if len(runs) <= LONGEST_RUNS else digest(*speeds)[:8]


def numbers(topology: Topology) -> str:
    """Return the name of a topology that has none."""
    return f"slots{topology.num_slots}_groups{topology.num_groups}_nodes{topology.num_nodes}_gpus{topology.num_gpus}"


def label(config: Mapping[str, Any], preset: Mapping[str, Any]) -> str:
    """Return the name of a section with what was changed against its preset.

    A stage that took another's place stands there by its name, and with the parameters that are not its own defaults.
    """
    before = {**dict(flat(preset)), **_defaults_of_others(config, preset)}
    changed = [f"{k}={v}" for k, v in flat(config) if before.get(k, object()) != v and k not in ("name", "summary")]
    return f"{config['name']}[{','.join(changed)}]" if changed else str(config["name"])


def _defaults_of_others(config: Mapping[str, Any], preset: Mapping[str, Any]) -> dict[str, Any]:
    """Return the default parameters, by key, of the stages that are others than in the preset."""
    defaults: dict[str, Any] = {}
    for slot, kind in STAGE_KEYS.items():
        now, then = config.get(slot), preset.get(slot) or {"name": None}
        if isinstance(now, Mapping) and isinstance(then, Mapping) and now["name"] != then["name"]:
            parameters = find(kind, str(now["name"])).parameters
            defaults |= {f"{slot}.{key}": then.get(key, default) for key, (_, default) in parameters.items()}
    return defaults
