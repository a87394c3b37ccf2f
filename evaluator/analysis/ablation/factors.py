"""What varies within a run: the factors, their levels, and which setting of them each row was measured at.

Shapes: S settings (a composition on a topology), F factors.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from eplb_variants.errors import EplbError, unknown
from eplb_variants.loads import IntArray
from eplb_variants.variant import flat
from evaluator.analysis.alignment import TOPOLOGY

ABSENT = None
"""The level of a parameter in compositions that have no such parameter."""
VARIANT, MACHINE, SPEEDS = "variant", "topology", "gpu_speeds"
EVEN = "even"
"""Speeds of GPUs that are all equally fast."""


@dataclass(frozen=True)
class Factor:
    """Something that varies.

    Attributes:
        name: of the key, such as ``fixup.moves``; of several that always change together, all their names.
        levels: the values that it takes, the reference first.
    """

    name: str
    levels: tuple[Any, ...]


@dataclass(frozen=True)
class Design:
    """What a run varies.

    Attributes:
        factors: in the order of their names, those of the variant first.
        code: ``[S, F]`` number of the level of each factor in each setting that was measured; no two rows are alike.
        setting: number of the setting of each row of the frame.
        strata: parameters of the load that vary, with their values; windows cannot be paired over them.
        notes: what a reader must know, a sentence each.
    """

    factors: tuple[Factor, ...]
    code: IntArray
    setting: pd.Series
    strata: Mapping[str, tuple[Any, ...]]
    notes: tuple[str, ...]


@dataclass
class _Varying:
    """A factor as it is found: its key, its values over the settings, and where it is from."""

    name: str
    values: list[Any]
    source: str

    @property
    def partition(self) -> tuple[int, ...]:
        """Which settings are alike, in numbers from 0 in the order of their first appearance."""
        seen: dict[Hashable, int] = {}
        return tuple(seen.setdefault(_hashable(value), len(seen)) for value in self.values)

    @property
    def implied(self) -> bool:
        """Whether it is the same wherever it exists: a parameter that comes and goes with its stage."""
        return len({_hashable(value) for value in self.values if value is not ABSENT}) < 2


def find_design(good: pd.DataFrame, reference: str | None = None) -> Design:
    """Return the factors of a run and the setting of each of its rows.

    Args:
        good: rows by window of the cells that were measured, as stored.
        reference: variant whose levels come first; without it, and of machines, the smallest number or the first name.

    Keys that always change together are one factor. Where the compositions are no crossing of their keys (named
    variants, mostly), the variant as a whole is the factor; so with topologies. A parameter that only some stages
    have, and that is the same in all of these, is none.

    Raises:
        EplbError: nothing varies that can be paired, or the reference was not measured.
    """
    if reference is not None and reference not in set(good["variant"]):
        raise unknown("measured variant", reference, good["variant"].unique())
    good = good.assign(**{SPEEDS: good[SPEEDS].fillna(EVEN)})
    columns = [VARIANT, "variant_config", MACHINE, *TOPOLOGY, SPEEDS]
    cells = good[columns].drop_duplicates(ignore_index=True)
    strata = _strata(good)
    varying, notes = _crossed([*_of_variants(cells), *_of_topologies(cells)], cells)
    if not varying:
        raise EplbError(_nothing(good, strata))
    first = None if reference is None else int(cells.index[cells[VARIANT] == reference][0])
    factors = tuple(Factor(v.name, _levels(v.values, first if v.source == VARIANT else None)) for v in varying)
    code_CF = np.array(
        [[_place(f.levels, v.values[c]) for f, v in zip(factors, varying, strict=True)] for c in cells.index]
    )
    code_SF, setting_C = np.unique(code_CF, axis=0, return_inverse=True)
    cells["setting"] = setting_C.ravel()
    setting = good[columns].merge(cells, on=columns, how="left")["setting"].set_axis(good.index)
    return Design(factors, code_SF, setting, strata, (*notes, *_incomplete(factors, code_SF)))


def level_text(level: Any) -> str:
    """Return a level as it is written in a configuration."""
    return "none" if level is ABSENT else str(level).lower() if isinstance(level, bool) else str(level)


def _of_variants(cells: pd.DataFrame) -> list[_Varying]:
    configs = [dict(flat(json.loads(text))) for text in cells["variant_config"]]
    keys = [key for key in dict.fromkeys(key for config in configs for key in config) if key not in ("name", "summary")]
    return _varying({key: [config.get(key, ABSENT) for config in configs] for key in keys}, VARIANT)


def _of_topologies(cells: pd.DataFrame) -> list[_Varying]:
    numbers: dict[str, list[Any]] = {column: [int(value) for value in cells[column]] for column in TOPOLOGY}
    return _varying({**numbers, SPEEDS: list(cells[SPEEDS])}, MACHINE)


def _varying(values: Mapping[str, list[Any]], source: str) -> list[_Varying]:
    found = [_Varying(name, list_of, source) for name, list_of in values.items()]
    return [v for v in found if max(v.partition) > 0 and not v.implied]


def _crossed(found: list[_Varying], cells: pd.DataFrame) -> tuple[list[_Varying], list[str]]:
    """Return factors that can be told apart, and what had to be done for it."""
    factors, notes = _joined(found)
    for source in (VARIANT, MACHINE):
        own = [v for v in factors if v.source == source]
        others = [v for v in factors if v.source != source]
        if any(not _can_be_paired(v, factors) for v in own) and len(own) > 1:
            whole = _Varying(source, list(cells[source]), source)
            factors = [whole, *others] if source == VARIANT else [*others, whole]
            notes = [note for note in notes if not any(v.name in note for v in own)]
            notes.append(
                f"the {source}s are no crossing of {', '.join(v.name for v in own)}: each is a level as a whole"
            )
    return factors, notes


def _joined(found: list[_Varying]) -> tuple[list[_Varying], list[str]]:
    """Return the factors with those that always change together as one."""
    alike: defaultdict[tuple[int, ...], list[_Varying]] = defaultdict(list)
    for v in found:
        alike[v.partition].append(v)
    factors, notes = [], []
    for group in alike.values():
        if len(group) == 1:
            factors.append(group[0])
            continue
        name = " & ".join(v.name for v in group)
        values = [" & ".join(level_text(v.values[cell]) for v in group) for cell in range(len(group[0].values))]
        factors.append(_Varying(name, list(values), group[0].source))
        notes.append(f"{name} always change together: they cannot be told apart")
    return factors, notes


def _can_be_paired(factor: _Varying, factors: Sequence[_Varying]) -> bool:
    """Return whether there is a setting of the other factors at which every level of one was measured."""
    others = zip(*(v.partition for v in factors if v is not factor), strict=True)
    rest = list(others) or [()] * len(factor.values)
    levels: defaultdict[tuple[int, ...], set[int]] = defaultdict(set)
    for setting, level in zip(rest, factor.partition, strict=True):
        levels[setting].add(level)
    return max(map(len, levels.values())) == max(factor.partition) + 1


def _levels(values: Sequence[Any], first: int | None) -> tuple[Any, ...]:
    """Return the distinct values, numbers before names before what is absent; that of cell ``first`` leads."""
    distinct = {_hashable(value): value for value in values}

    def order(value: Any) -> tuple[int, float, str]:
        number = isinstance(value, int | float)
        return (0 if number else 2 if value is ABSENT else 1, float(value) if number else 0.0, str(value))

    ordered = sorted(distinct.values(), key=order)
    if first is not None:
        ordered.sort(key=lambda value: _hashable(value) != _hashable(values[first]))
    return tuple(ordered)


def _place(levels: Sequence[Any], value: Any) -> int:
    return [_hashable(level) for level in levels].index(_hashable(value))


def _hashable(value: Any) -> Hashable:
    return value if isinstance(value, str | int | float | None) else json.dumps(value, sort_keys=True)


def _strata(good: pd.DataFrame) -> dict[str, tuple[Any, ...]]:
    """Return what varies of the load; a recording is known by its name, not by where it lies."""
    loads = good[["workload", "workload_content", "interval", "workload_config"]].drop_duplicates()
    configs = [dict(flat(json.loads(text))) for text in loads["workload_config"]]
    names = [name.partition("[")[0] for name in loads["workload"]]
    if len(set(names)) > 1:  # its parameters differ with it
        shared = {"interval", "max_windows"}
        found = {"workload": tuple(sorted(set(names)))}
    else:
        shared, found = {key for config in configs for key in config} - {"path", "pooled"}, {}
    for key in sorted(shared):
        values = [config.get(key, ABSENT) for config in configs]
        if len({_hashable(value) for value in values}) > 1:
            found[f"workload.{key}"] = _levels(values, None)
    return found


def _nothing(good: pd.DataFrame, strata: Mapping[str, Any]) -> str:
    variants = good["variant"].unique()
    what = (
        f"all cells are of {variants[0]!r} on one topology" if len(variants) == 1 else "all compositions are the same"
    )
    loads = f", and {', '.join(strata)} changes the load, so that windows cannot be paired" if strata else ""
    return f"nothing is ablated here: {what}{loads}; sweep a stage or a parameter, such as variant.fixup.moves=0,1"


def _incomplete(factors: Sequence[Factor], code_SF: IntArray) -> list[str]:
    expected = int(np.prod([len(factor.levels) for factor in factors]))
    if len(code_SF) == expected:
        return []
    return [f"{len(code_SF)} of {expected} combinations of the levels were measured: only complete ones are compared"]
