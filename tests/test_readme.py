"""What the README shows works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eplb_variants import registry
from eplb_variants.registry import build, stages
from eplb_variants.testing import PackerConformance, hard_loads

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def own_names(monkeypatch):
    stages()
    monkeypatch.setattr(registry, "_stages", dict(registry._stages))


@pytest.mark.usefixtures("own_names")
def test_the_strategy_in_one_file_passes_the_conformance_suite():
    (source,) = (block for block in BLOCKS if "@register" in block)
    exec(compile(source, "README", "exec"), {"__name__": "readme"})

    class Suite(PackerConformance):
        def make(self):
            return build("packer", "round_robin")

    for check in dir(Suite):
        if check.startswith("test_"):
            getattr(Suite(), check)()


def test_the_library_example_runs():
    import torch

    (source,) = (block for block in BLOCKS if "load_variant" in block)
    names = {"weight": torch.rand(2, 256), "load": hard_loads(2, 256)["mild"]}
    exec(compile(source, "README", "exec"), names)
    assert names["phy2log"].shape == (2, 288)
    assert names["placement"].phy2log.shape == (2, 288)


def test_the_commands_name_what_exists():
    from evaluator.cli.main import COMMANDS
    from evaluator.sweep.plan import make_plan

    for command in re.findall(r"\$ eplb (\w+)", README):
        assert command in COMMANDS
    for overrides in re.findall(r"^\$ eplb evaluate -m (.*)$", README, re.MULTILINE):
        words = [word for word in overrides.split() if "path" not in word and word != "\\"]
        assert make_plan(words, multirun=True).cells
