"""What determines a result, as a hash: a composition, the sources that carry it out, versions; and nothing else.

Sources are followed from where they begin through their imports, within the packages that they belong to. So a change
in a file that a variant does not use, or a new strategy beside it, leaves what was measured valid. Stages that the
fused pipeline knows count as used by every staged variant, because the pipeline imports their kernels.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from eplb_variants import Variant
from eplb_variants.installed.loading import installed_version
from eplb_variants.registry import Stage, find
from eplb_variants.variant import STAGE_KEYS

OURS = "eplb_variants"
KERNELS = "eplb_variants.kernels"
"""The room of our kernels, and the group of entry points under which others name theirs."""
PLACED_BY = ("eplb_variants.variant",)
"""Modules that every placement goes through, beside its stages."""
FLOW = "eplb_variants.kernels.flow"
JUDGED_BY = (
    "evaluator.quality.replay",
    "evaluator.quality.metrics",
    "evaluator.quality.kernels",
    "evaluator.quality.bounds",
    "evaluator.quality.bounds.grouping",
    "evaluator.quality.bounds.peaks",
    FLOW,
)
"""Modules that the quality columns come from."""
TIMED_BY = (
    "evaluator.timing.rounds",
    "evaluator.timing.callers",
    "evaluator.timing.memory",
    "evaluator.timing.settings",
)
"""Modules that the times come from."""
SAID_BY = (
    "evaluator.candidates.judging.judge",
    "evaluator.candidates.sandbox.zygote",
    "evaluator.candidates.sandbox.confine",
    *JUDGED_BY,
    *TIMED_BY,
)
"""Modules that the verdict on a candidate comes from."""
SAID_WITHIN = (
    "evaluator.candidates",
    "evaluator.analysis",
    "evaluator.quality",
    "evaluator.sweep.stratum",
    "evaluator.timing",
    "evaluator.workloads.renaming",
    "evaluator.workloads.windows",
    "eplb_variants.hard_loads",
    "eplb_variants.loads",
    "eplb_variants.placement",
    "eplb_variants.topology",
)
"""Rooms whose sources form a verdict: checks, metrics, statistics, timing, the sandbox; not the store, nor other
workloads."""


def digest(*parts: Any) -> str:
    """Return a hash of JSON-like values: 20 hexadecimal digits, the same on every machine."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:20]


def variant_identity(variant: Variant) -> list[Any]:
    """Return what determines a variant's placements: its composition, and the source that carries it out.

    Source is told apart by its hash; that of an engine, thousands of files, by its version.
    """
    config = {key: value for key, value in variant.config.items() if key != "summary"}
    stages = list(_stages_of(config))
    modules = {stage.module for stage in stages}
    entries = {*PLACED_BY, *modules, *(kernel for kernel in _kernels() if not modules.isdisjoint(_names(kernel)))}
    versions = {stage.requires: installed_version(stage.requires) for stage in stages if stage.requires}
    return [config, source_identity(tuple(sorted(entries))), versions]


def quality_identity() -> str:
    """Return a hash of the sources that measure a placement."""
    return source_identity(JUDGED_BY, ("evaluator",))


def timing_identity() -> str:
    """Return a hash of the sources that take times."""
    return source_identity(TIMED_BY, ("evaluator",))


def verdict_identity() -> str:
    """Return a hash of the sources that form the verdict on a candidate."""
    return source_identity(SAID_BY, SAID_WITHIN)


def _stages_of(config: dict[str, Any]) -> Iterator[Stage]:
    for step, kind in STAGE_KEYS.items():
        if config.get(step) is not None:
            given = {"name": config[step]} if isinstance(config[step], str) else config[step]
            yield (stage := find(kind, given["name"]))
            if "by" in stage.parameters:  # another stage of its kind, that it begins with
                yield find(kind, given.get("by", stage.parameters["by"][1]))


@cache
def _kernels() -> tuple[str, ...]:
    """Return the modules that hold kernels: a kernel's module imports the stage that it compiles."""
    folder = _file_of(KERNELS)
    assert folder is not None
    ours = [f"{KERNELS}.{path.stem}" for path in sorted(folder.parent.glob("*.py")) if path != folder]
    return (*ours, *(entry.module for entry in entry_points(group=KERNELS)))


@cache
def _names(module: str) -> frozenset[str]:
    """Return the modules that a module imports; none where it has no file."""
    file = _file_of(module)
    return frozenset() if file is None else frozenset(_imported_by(module, file))


@cache
def source_identity(entries: tuple[str, ...], packages: tuple[str, ...] = ()) -> str:
    """Return a hash of some modules and of all that they import, at any depth.

    Args:
        entries: names of modules.
        packages: those whose modules are followed, or parts of packages; where none is named, this project's variants
            and the packages that the entries belong to. What else is imported counts as unchanging.
    """
    followed = set(packages) or {OURS, *(entry.partition(".")[0] for entry in entries)}
    return digest([[name, _hash_of(file)] for name, file in sorted(import_closure(entries, followed).items())])


def import_closure(entries: Iterable[str], packages: Iterable[str]) -> dict[str, Path | None]:
    """Return the files of some modules and of all that they import within some packages, by module.

    A module without a file (typed into an interpreter) is there with None.
    """
    followed = set(packages)
    found: dict[str, Path | None] = {}
    waiting = list(entries)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = _file_of(name)
        if found[name] is not None:
            waiting += [imported for imported in _names(name) if _within(imported, followed)]
    return found


def _within(name: str, packages: Iterable[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _imported_by(name: str, file: Path) -> Iterator[str]:
    """Yield the modules that a file imports, wherever in it."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(_parsed(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = package.rsplit(".", node.level - 1)[0] if node.level else ""
            module = ".".join(part for part in (up, node.module) if part)
            for alias in node.names:
                member = f"{module}.{alias.name}"
                yield member if _file_of(member) else module


@cache
def _parsed(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # compiled, or a template: its hash still counts
        return ast.Module(body=[], type_ignores=[])


@cache
def _hash_of(file: Path | None) -> str:
    return "no file" if file is None else hashlib.sha256(file.read_bytes()).hexdigest()


@cache
def _file_of(name: str) -> Path | None:
    """Return the file of a module without importing it; None where there is no such module, or it has no file."""
    top, _, rest = name.partition(".")
    loaded = getattr(sys.modules.get(name), "__file__", None)
    if loaded is not None:
        return Path(loaded)
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # the program that was started has no specification
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for root in spec.submodule_search_locations or ():
        path = Path(root, *rest.split("."))
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
    return None
