"""Imports are those that ARCHITECTURE.md allows, and no others."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = {
    path.relative_to(ROOT).as_posix(): path
    for package in ("eplb_variants", "evaluator")
    for path in sorted((ROOT / package).rglob("*.py"))
}
PURE = {"numpy", "numba", "yaml", "torch", "scipy"}
"""What eplb_variants may import beside itself and the standard library; torch only for its types and at the edge."""
HYDRA = {"hydra", "omegaconf"}
ROW = re.compile(r"^\| `(?P<room>(?:eplb_variants|evaluator)[\w/.]*)` \|[^|]*\|(?P<allowed>[^|]*)\|$", re.MULTILINE)
ALLOWED = {
    row["room"]: {f"evaluator/{name}" for name in re.findall(r"`([\w/.]+)`", row["allowed"])}
    for row in ROW.finditer((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"))
}
"""Rooms, by their path, to the rooms that they may import."""


def imports(path):
    """Yield the modules that a file imports, wherever in it, as dotted names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if file_of(name) else node.module for name in names)


def file_of(name):
    """Return the path of the file that a dotted name of ours is in; None where there is none."""
    path = name.replace(".", "/")
    return next((file for file in (f"{path}.py", f"{path}/__init__.py") if file in MODULES), None)


def within(file, room):
    return file == room or file.startswith(f"{room}/")


def room_of(file):
    """Return the innermost room of the table that a file is in."""
    return max((room for room in ALLOWED if within(file, room)), key=len, default=None)


def test_the_table_names_rooms_that_exist():
    for room, allowed in ALLOWED.items():
        for name in {room} | allowed:
            assert (ROOT / name).exists(), f"ARCHITECTURE.md names {name}"


@pytest.mark.parametrize("file", MODULES)
def test_every_file_imports_what_its_room_may(file):
    room = room_of(file)
    assert room is not None, f"{file} is in no room of ARCHITECTURE.md"
    for name in imports(MODULES[file]):
        theirs = file_of(name)
        if theirs is None or within(theirs, room) or (within(theirs, "eplb_variants") and room != "eplb_variants"):
            continue
        assert any(within(theirs, allowed) for allowed in ALLOWED[room]), f"{file} ({room}) imports {name}"


@pytest.mark.parametrize("file", MODULES)
def test_libraries_stand_where_they_belong(file):
    """The variants are pure, and Hydra is met in one room."""
    for name in imports(MODULES[file]):
        top = name.partition(".")[0]
        if within(file, "eplb_variants"):
            assert top in sys.stdlib_module_names | PURE | {"eplb_variants"}, f"{file} imports {name}"
            assert file.endswith("__main__.py") or top not in {"time", "subprocess", "socket"}, f"{file} imports {name}"
        elif not within(file, "evaluator/config"):
            assert top not in HYDRA, f"{file} imports {name}"
