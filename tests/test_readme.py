"""What the README and the pages of docs/ show works as it stands there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from eplb_variants import registry
from eplb_variants.hard_loads import hard_loads
from eplb_variants.registry import build, stages
from eplb_variants.testing import PackerConformance

ROOT = Path(__file__).parents[1]
PAGES = {
    path.name: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
TEXT = "\n".join(PAGES.values())
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def own_names(monkeypatch):
    stages()
    monkeypatch.setattr(registry, "_stages", dict(registry._stages))


@pytest.mark.usefixtures("own_names")
def test_the_strategy_in_one_file_passes_the_conformance_suite():
    (source,) = (block for block in BLOCKS if "@register" in block)
    exec(compile(source, "docs", "exec"), {"__name__": "readme"})

    class Suite(PackerConformance):
        def make(self):
            return build("packer", "round_robin")

    for check in dir(Suite):
        if check.startswith("test_"):
            getattr(Suite(), check)()


def own_packers():
    """Return the sources in which docs and notebooks show how a packer of one's own is written, by file."""
    shown = {"strategies.md": [block for block in BLOCKS if "@register" in block]}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        shown[path.name] = [source for source in sources if "@register" in source]
    return {name: sources for name, sources in shown.items() if sources}


def test_the_packers_of_ones_own_are_typed_as_strictly_as_ours(tmp_path):
    """What a reader copies passes mypy under our own settings; warm after ``make lint``, whose cache it shares."""
    shown = own_packers()
    assert {"strategies.md", "own_strategy.ipynb"} <= set(shown)
    files = [tmp_path / f"{name.partition('.')[0].lower()}_{n}.py" for name in shown for n in range(len(shown[name]))]
    for file, source in zip(files, (source for sources in shown.values() for source in sources), strict=True):
        file.write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_library_example_runs():
    import torch

    (source,) = (block for block in BLOCKS if "load_variant" in block)
    names = {"weight": torch.rand(2, 256), "load": hard_loads(2, 256)["mild"]}
    exec(compile(source, "docs", "exec"), names)
    assert names["phy2log"].shape == (2, 288)
    assert names["placement"].phy2log.shape == (2, 288)


def commands():
    """Yield the commands that the pages show, as words; comments and what a shell does with the output are left out."""
    for block in re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("$ eplb "):
                yield shlex.split(re.split(r"\s[|>]\s", line.removeprefix("$ eplb "))[0], comments=True)


def test_the_commands_name_what_exists():
    from evaluator.cli.main import COMMANDS

    assert {words[0] for words in commands()} <= set(COMMANDS)


@pytest.mark.long
@pytest.mark.usefixtures("own_names")
def test_the_sweeps_can_be_planned():
    from evaluator.sweep.plan import make_plan

    (source,) = (block for block in BLOCKS if "@register" in block)
    exec(compile(source, "docs", "exec"), {"__name__": "readme"})
    for command, *words in commands():
        flags = {word for word in words if word.startswith("-")}
        if command != "evaluate" or not flags <= {"-m", "--dry-run"}:
            continue
        given = [
            word for word in words if word not in flags and not re.match("workload=recorded|workload.path|run", word)
        ]
        assert make_plan(given, multirun=bool(flags)).cells, words


def test_links_between_pages_lead_somewhere():
    for name, text in PAGES.items():
        folder = ROOT if name == "README.md" else ROOT / "docs"
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (folder / target).exists(), f"{name} links to {target}"
