"""Hydra's inside is met in one file, and holds in the Hydra that is installed."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from eplb_variants import EplbError
from evaluator.config import unofficial
from evaluator.config.session import hydra_session
from evaluator.sweep.plan import make_plan

ROOT = Path(__file__).parents[3]
FILES = [path for top in ("evaluator", "eplb_variants", "tests") for path in sorted((ROOT / top).rglob("*.py"))]
DOCUMENTED = {
    "hydra.main",
    "hydra.compose",
    "hydra.initialize_config_module",
    "hydra.errors.HydraException",
    "hydra.errors.OverrideParseException",
    "hydra.core.config_store.ConfigStore",
    "hydra.core.hydra_config.HydraConfig",
    "hydra",
}
"""What may be imported anywhere in the room of configuration: names that Hydra's documentation uses."""
INSIDE = re.compile(
    r"\bhydra\._internal|\bGlobalHydra\b|\bPlugins\.instance|\.config_loader\b|\.compose_config\b|\binstantiate_launcher\b|"
    r"\._return_value\b|\._get_node\b|\bget_group_options\b|\.repository\b"
)


@pytest.mark.parametrize("path", [path for path in FILES if path.name not in ("unofficial.py", "test_unofficial.py")])
def test_no_other_file_names_the_inside_of_hydra(path):
    text = path.read_text(encoding="utf-8")
    assert not INSIDE.findall(text)
    for node in ast.walk(ast.parse(text)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        used = {name for name in names if name.partition(".")[0] == "hydra"}
        assert used <= DOCUMENTED, f"{path} imports {sorted(used - DOCUMENTED)}"


def test_its_docstring_names_what_it_uses():
    for name in ("override_parser", "GlobalHydra", "get_group_options", "instantiate_launcher", "_return_value", "1.3"):
        assert name in unofficial.__doc__


def test_choices_and_groups_are_listed():
    with hydra_session():
        assert "seed" in unofficial.options("variant")
        assert unofficial.options("no such group") == []
        assert "stage/packer" in unofficial.groups_in("stage")
        assert {"variant", "workload", "topology", "score", "experiment"} <= set(unofficial.groups_in(""))


def test_a_session_within_a_session_leaves_the_outer_one_as_it_was():
    with hydra_session():
        before = unofficial.options("variant")
        with pytest.raises(EplbError), hydra_session():
            raise ValueError("broken")
        assert unofficial.options("variant") == before


def test_a_folder_of_ones_own_hides_choices_of_the_same_name(tmp_path):
    (tmp_path / "topology").mkdir()
    (tmp_path / "topology" / "adrs.yaml").write_text(
        "name: adrs\nnum_slots: 320\nnum_groups: 8\nnum_nodes: 4\nnum_gpus: 32\n"
    )
    assert make_plan([], config_dirs=[str(tmp_path)]).cells[0].topology.num_slots == 320
    assert make_plan([]).cells[0].topology.num_slots == 288
