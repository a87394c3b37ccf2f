"""Imports run one way: command line -> config, sweep, comparison -> metrics, results, workloads -> eplb_variants."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("eplb_variants", "evaluator")
    for path in sorted((ROOT / package).rglob("*.py"))
}
PURE = {"numpy", "numba", "yaml", "torch"}
"""What eplb_variants may import beside itself and the standard library; torch only for its types and at the edge."""
HYDRA = ("evaluator.config", "evaluator.__main__")
FORBIDDEN = {  # rooms of the evaluator, and what they must not know
    "evaluator.workloads": {"evaluator.results", "evaluator.compare", "evaluator.config", "evaluator.cli"},
    "evaluator.metrics": {"evaluator.results", "evaluator.compare", "evaluator.config", "evaluator.cli"},
    "evaluator.results": {"evaluator.compare", "evaluator.config", "evaluator.cli", "evaluator.sweep"},
    "evaluator.replay": {"evaluator.results", "evaluator.compare", "evaluator.config", "evaluator.cli"},
    "evaluator.timing": {"evaluator.results", "evaluator.compare", "evaluator.config", "evaluator.cli"},
    "evaluator.ablation": {"evaluator.config", "evaluator.cli", "evaluator.sweep", "evaluator.candidates"},
    "evaluator.compare": {"evaluator.config", "evaluator.cli", "evaluator.sweep"},
    "evaluator.report": {
        "evaluator.config",
        "evaluator.cli",
        "evaluator.sweep",
        "evaluator.replay",
        "evaluator.workloads",
    },
    "evaluator.candidates": {"evaluator.config", "evaluator.cli"},
    "evaluator.candidates.sandbox": {"evaluator.metrics", "evaluator.replay", "evaluator.workloads", "evaluator.sweep"},
    "evaluator.config": {"evaluator.cli", "evaluator.sweep", "evaluator.measure"},
    "evaluator.measure": {"evaluator.cli", "evaluator.config", "evaluator.sweep", "evaluator.compare"},
    "evaluator.sweep": {"evaluator.cli"},
}


def imports(path):
    """Yield the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(module, package):
    return module == package or module.startswith(f"{package}.")


@pytest.mark.parametrize("module", [m for m in MODULES if within(m, "eplb_variants")])
def test_variants_are_pure(module):
    import sys

    for name in imports(MODULES[module]):
        top = name.partition(".")[0]
        assert top in sys.stdlib_module_names | PURE | {"eplb_variants"}, f"{module} imports {name}"
        if not module.endswith("__main__"):
            assert top not in {"time", "subprocess", "socket"}, f"{module} imports {name}"


@pytest.mark.parametrize("module", [m for m in MODULES if within(m, "evaluator")])
def test_rooms_of_the_evaluator_know_only_what_is_below_them(module):
    for room, above in FORBIDDEN.items():
        if within(module, room):
            for name in imports(MODULES[module]):
                assert not any(within(name, a) for a in above), f"{module} imports {name}"
    if not any(within(module, room) for room in HYDRA):
        assert not any(within(name, "hydra") or within(name, "omegaconf") for name in imports(MODULES[module]))
    if not within(module, "evaluator.cli") and module != "evaluator.__main__":
        assert not any(within(name, "evaluator.cli") for name in imports(MODULES[module])), module


def test_every_package_is_in_the_wheel():
    """pyproject.toml names the packages one by one, because conf/ travels under other names."""
    import tomllib

    named = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    assert found | {"evaluator.conf", "evaluator.examples", "eplb_variants.catalogue"} == named
