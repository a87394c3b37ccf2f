"""The commands that make what the page shows, put together from what the results remember.

A name such as ``seed[gpu_packer.refine_steps=2]`` says which choice it is and what was changed. A name that no choice
can have (of another program, or made up) is not turned into a command: then only ``compare`` and ``report`` are given.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from eplb_variants.variant import STEPS
from evaluator.analysis.alignment import TOPOLOGY
from evaluator.reports.provenance import parsed
from evaluator.timing.settings import TimingSettings

NAME = re.compile(r"(?P<choice>[A-Za-z0-9_.-]+)(?:\[(?P<changes>.*)\])?(?:#[0-9a-f]{6})?", re.DOTALL)
VALUE = re.compile(r"[A-Za-z0-9_.+-]+")
NUMBERS = re.compile(r"slots\d+_groups\d+_nodes\d+_gpus\d+")
DEFAULT_FOLDER = "runs"


class Commands:
    """Makes the commands of a report.

    Args:
        runs: folders, as they were given.
        reference: what differences are to.
        score: name of the score.
    """

    def __init__(self, runs: Sequence[str], reference: str, score: str) -> None:
        self._runs = list(runs)
        self._options = [] if score == "default" else ["--score", score]
        self._reference = reference

    def report(self) -> str:
        """Return the command that makes the page."""
        return self._command("report")

    def compare(self) -> str:
        """Return the command that prints the tables and draws the plots as files."""
        return self._command("compare")

    def _command(self, name: str) -> str:
        return shlex.join(["eplb", name, *self._runs, f"--reference={self._reference}", *self._options])

    def evaluate(self, part: pd.DataFrame) -> list[str]:
        """Return commands that measure these rows again, as far as their columns tell; none where a name does not.

        A folder of one's own (``--config-dir``) is not in the columns, and has to be added.
        """
        together: dict[tuple[str, ...], list[str]] = {}
        try:
            for _, group in part.groupby(["run", "workload", "topology", "interval"], sort=True):
                for choice, rest in self._of_group(group):
                    together.setdefault(rest, []).append(choice)
        except _Untold:
            return []
        return [
            shlex.join(["eplb", "evaluate", "-m", rest[0], f"workload={','.join(dict.fromkeys(choices))}", *rest[1:]])
            for rest, choices in together.items()
        ]

    def _of_group(self, group: pd.DataFrame) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the choice of the workload, and all else of the command, once for each change made to variants."""
        first = group.iloc[0]
        choice, fixed = _workload(first)
        fixed += [*_topology(first), *self._folder(str(first["run"]))]
        fixed += [f"seed={','.join(str(seed) for seed in sorted(group['seed'].unique()))}"]
        beside = group["time_reference"].dropna().unique()
        fixed += [f"reference={_choice(str(beside[0]))}"] if len(beside) == 1 else []
        fixed += [] if group["place_seconds"].notna().any() else ["measure=quality"]
        fixed += _timing(group)
        changed: dict[tuple[str, ...], list[str]] = {}
        for name in sorted(group["variant"].unique()):
            changed.setdefault(tuple(_variant_changes(str(name))), []).append(_choice(str(name)))
        for changes, choices in changed.items():
            yield choice, (f"variant={','.join(choices)}", *changes, *fixed)

    def _folder(self, run: str) -> list[str]:
        path = next((Path(given) for given in self._runs if Path(given).name == run), Path(DEFAULT_FOLDER) / run)
        above = path.parent.as_posix()
        name = [] if run == "default" else [f"run={_quoted(run)}"]
        return name if above == DEFAULT_FOLDER else [*name, f"runs_dir={_quoted(above)}"]


class _Untold(Exception):
    """A name does not say what it was made from."""


def _parts(name: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the choice behind a name, and what was changed: keys and values."""
    found = NAME.fullmatch(name)
    if found is None:
        raise _Untold
    pairs = [change.partition("=") for change in re.split(r",(?=[\w.]+=)", found["changes"] or "") if change]
    if any(not sign or not VALUE.fullmatch(value) for _, sign, value in pairs):
        raise _Untold
    return found["choice"], [(key, "null" if value == "None" else value) for key, _, value in pairs]


def _choice(name: str) -> str:
    return _parts(name)[0]


def _variant_changes(name: str) -> Iterator[str]:
    for key, value in _parts(name)[1]:
        slot, _, rest = key.partition(".")
        if rest == "name":
            kind = STEPS.get(slot, slot)
            yield f"stage/{kind}@variant.{slot}={value}"
        else:
            yield f"variant.{key}={value}"


def _timing(group: pd.DataFrame) -> list[str]:
    """Return the settings of the last timing pass, those that are not the defaults."""
    timed = group[group["timing_config"].notna()]
    config = parsed(timed.sort_values("measured_at")["timing_config"].iloc[-1]) if len(timed) else None
    if not isinstance(config, dict):
        return []
    defaults = asdict(TimingSettings())
    return [f"timing.{name}={config[name]}" for name in defaults if config.get(name, defaults[name]) != defaults[name]]


def _workload(row: pd.Series) -> tuple[str, list[str]]:
    """Return the choice, and what is set of it."""
    config: Any = parsed(row["workload_config"])
    if isinstance(config, dict) and config.get("kind") == "recorded":
        others = {key: value for key, value in config.items() if key not in ("kind", "path")}
        values = [f"workload.{key}={value}" for key, value in others.items() if value]
        return "recorded", [f"workload.path={_quoted(str(config.get('path')))}", *values]
    choice, changes = _parts(str(row["workload"]))
    return choice, [f"workload.{key}={value}" for key, value in changes]


def _topology(row: pd.Series) -> list[str]:
    if NUMBERS.fullmatch(str(row["topology"])):
        return [f"topology.{name}={int(row[name])}" for name in TOPOLOGY]
    return [f"topology={_choice(str(row['topology']))}"]


def _quoted(text: str) -> str:
    """Return a text as Hydra reads it: quoted where it has other characters than names and paths do."""
    if re.fullmatch(r"[\w./-]+", text):
        return text
    return '"' + re.sub(r'(\\*)"', r'\1\1\\"', text) + '"'
