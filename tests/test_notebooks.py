"""Notebooks ship with what they print, and use the public functions alone; nbmake runs them."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
PUBLIC = {"evaluator", "eplb_variants", "eplb_variants.testing"}


def code_cells(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_cell_that_ends_with_a_value_shows_it(path):
    shown = []
    for cell in code_cells(path):
        if isinstance(ast.parse("".join(cell["source"])).body[-1], ast.Expr):
            assert cell["outputs"], cell["source"]
            shown += [output["output_type"] for output in cell["outputs"]]
    assert set(shown) == {"execute_result"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_figures_are_pictures_and_nothing_tells_of_the_machine(path):
    outputs = json.dumps([cell["outputs"] for cell in code_cells(path)])
    assert "image/png" in outputs
    assert "<Figure" not in outputs
    assert str(Path.home()) not in outputs
    assert "/tmp/" not in outputs


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_deeper_than_the_public_functions_is_imported(path):
    for cell in code_cells(path):
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.partition(".")[0] not in {"evaluator", "eplb_variants"} or name in PUBLIC, name
