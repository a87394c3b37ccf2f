"""The commands that make what the page shows, put together from what the results remember.

Every cell has the overrides that chose it in a column. Results that were written without that column, or by another
program, are not turned into a command: then only ``compare`` and ``report`` are given.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from evaluator.config.grammar import written
from evaluator.reports.provenance import parsed
from evaluator.timing.settings import TimingSettings

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
        """Return commands that measure the cells of these rows again; none where a row does not say what chose it."""
        if "overrides" not in part or part["overrides"].isna().any():
            return []
        known = {text: parsed(text) for text in part["overrides"].unique()}
        if not all(
            isinstance(words, list) and all(isinstance(word, str) for word in words) for words in known.values()
        ):
            return []
        cells: list[dict[str, tuple[str, ...]]] = []
        for _, group in part.groupby("run", sort=True):
            fixed = list(self._fixed(group))
            cells += [_axes([*known[text], *fixed]) for text in sorted(group["overrides"].unique())]
        return [shlex.join(["eplb", "evaluate", *_arguments(axes)]) for axes in _products(cells)]

    def _fixed(self, group: pd.DataFrame) -> Iterator[str]:
        """Yield what the rows of one run have in common that chose no cell."""
        yield from self._folder(str(group["run"].iloc[0]))
        beside = group["time_reference"].dropna().unique()
        if len(beside) == 1:
            yield f"reference={written(str(beside[0]))}"
        if not group["place_seconds"].notna().any():
            yield "measure=quality"
        yield from _timing(group)

    def _folder(self, run: str) -> list[str]:
        path = next((Path(given) for given in self._runs if Path(given).name == run), Path(DEFAULT_FOLDER) / run)
        above = path.parent.as_posix()
        name = [] if run == "default" else [f"run={written(run)}"]
        return name if above == DEFAULT_FOLDER else [*name, f"runs_dir={written(above)}"]


def _axes(overrides: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return overrides as keys and the values of each; a folder with configuration is a key of its own."""
    pairs = [(word, "=", "") if word.startswith("--") else word.partition("=") for word in overrides]
    return {key: (value,) for key, _, value in pairs}


def _products(cells: list[dict[str, tuple[str, ...]]]) -> list[dict[str, tuple[str, ...]]]:
    """Return few sweeps that are together these cells and no others: what differs in one key alone is put together."""
    for key in dict.fromkeys(key for axes in cells for key in axes):
        merged: dict[Any, dict[str, tuple[str, ...]]] = {}
        for axes in cells:
            rest = (key in axes, tuple((other, values) for other, values in axes.items() if other != key))
            known = merged.setdefault(rest, axes)
            if known is not axes and key in axes:
                merged[rest] = {**known, key: tuple(dict.fromkeys([*known[key], *axes[key]]))}
        cells = list(merged.values())
    return cells


def _arguments(axes: Mapping[str, tuple[str, ...]]) -> list[str]:
    words = [key if key.startswith("--") else f"{key}={','.join(values)}" for key, values in axes.items()]
    return [*(["-m"] if any(len(values) > 1 for values in axes.values()) else []), *words]


def _timing(group: pd.DataFrame) -> list[str]:
    """Return the settings of the last timing pass, those that are not the defaults."""
    timed = group[group["timing_config"].notna()]
    config = parsed(timed.sort_values("measured_at")["timing_config"].iloc[-1]) if len(timed) else None
    if not isinstance(config, dict):
        return []
    defaults = asdict(TimingSettings())
    return [f"timing.{name}={config[name]}" for name in defaults if config.get(name, defaults[name]) != defaults[name]]
