"""An engine's module is imported without the engine; what is missing is said; ``sys.modules`` stays as it was."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from eplb_variants import load_variant
from eplb_variants.errors import UnfitError
from eplb_variants.hard_loads import GLOBAL, HIERARCHICAL, LAYERS, hard_loads
from eplb_variants.installed import loading, tensors
from eplb_variants.registry import stages
from eplb_variants.topology import Topology

ENGINE_STAGES = [stage for stage in stages() if stage.requires]
MODULE = "sglang.srt.planner"
PLANNER = "from sglang.srt import helper\nLOADED = helper.LOADED\ndef plan(load, slots):\n    return load, slots\n"


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """Return a function that writes a file of an sglang of the test's own, found before any other."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(loading, "installed_version", lambda engine: "0.9")
    loading._function.cache_clear()

    def write(name, text):
        path = tmp_path / "sglang" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    write("__init__.py", "raise RuntimeError('the engine was started')")
    write("srt/__init__.py", "raise RuntimeError('the engine was started')")
    write("srt/helper.py", "LOADED = True")
    write("srt/planner.py", PLANNER)
    yield write
    loading._function.cache_clear()


@pytest.fixture
def no_engines(monkeypatch):
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    loading._function.cache_clear()


@pytest.mark.usefixtures("no_engines")
@pytest.mark.parametrize("stage", ENGINE_STAGES, ids=lambda stage: stage.name)
def test_a_missing_engine_is_one_sentence_with_the_command(stage):
    says = f"{stage.requires} is not installed, .*: pip install --no-deps {stage.requires} "
    with pytest.raises(UnfitError, match=says):
        load_variant(stage.name).place(hard_loads()["mild"], GLOBAL)


def test_the_stages_name_the_engines_that_were_tested_with():
    assert {stage.requires for stage in ENGINE_STAGES} == set(loading.TESTED)
    assert len(ENGINE_STAGES) == 4


def test_the_makefile_installs_the_versions_that_errors_name():
    makefile = (Path(__file__).parents[3] / "Makefile").read_text()
    assert dict(re.findall(r"^(sglang|vllm) := (\S+)$", makefile.lower(), re.MULTILINE)) == loading.TESTED


def test_a_module_is_imported_without_its_packages(engine):
    assert loading.run_engine(MODULE, "plan", load=1, slots=2) == (1, 2)
    assert not [name for name in sys.modules if name.partition(".")[0] == "sglang"]


def test_a_real_import_of_the_engine_is_left_alone(engine, monkeypatch):
    real = {name: ModuleType(name) for name in ("sglang", "sglang.srt", "sglang.srt.planner")}
    real["sglang"].__spec__ = loading._spec("sglang")
    for name, module in real.items():
        monkeypatch.setitem(sys.modules, name, module)
    loading.run_engine(MODULE, "plan", load=1, slots=2)
    left = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "sglang"}
    assert left == real


def test_the_first_load_is_kept(engine):
    loading.run_engine(MODULE, "plan", load=1, slots=2)
    engine("srt/planner.py", "raise RuntimeError('imported again')")
    assert loading.run_engine(MODULE, "plan", load=3, slots=4) == (3, 4)


@pytest.mark.parametrize(
    ("planner", "says"),
    [
        ("", "has no plan in sglang.srt.planner"),
        ("import no_such_package", "no sglang.srt.planner that can be imported by itself: No module named 'no_such_p"),
        ("from sglang.srt import helpers", "imported by itself: cannot import name 'helpers'"),
        ("def plan(load, gpus): ...", "takes other arguments in sglang.srt.planner.plan: missing a required argument"),
    ],
)
def test_another_layout_is_said_with_the_versions_found_and_tested(engine, planner, says):
    engine("srt/planner.py", planner)
    with pytest.raises(UnfitError, match=rf"^the installed sglang 0.9 .*{says}.*\(tested with sglang 0.5.23\)$"):
        loading.run_engine(MODULE, "plan", load=1, slots=2)
    assert "sglang" not in sys.modules


def test_a_module_that_is_not_there_is_another_layout(engine):
    with pytest.raises(UnfitError, match="the installed sglang 0.9 has no sglang.other.planner that can be imported"):
        loading.run_engine("sglang.other.planner", "plan")


def test_what_an_engine_asserts_is_a_sentence(engine):
    engine("srt/planner.py", "def plan(load):\n    assert load % 2 == 0")
    with pytest.raises(UnfitError, match="sglang cannot place this load on this topology: it asserts so without"):
        loading.run_engine(MODULE, "plan", load=1)


@pytest.mark.parametrize(
    ("load", "topology", "says"),
    [
        (np.ones((2, 24)), Topology(36, 9, 3, 3), "24 logical experts do not divide into 9 groups"),
        (np.full((2, 24), 1e38), GLOBAL, "beyond float32"),
    ],
)
def test_what_engines_cannot_take_is_refused_before_they_are_asked(load, topology, says):
    with pytest.raises(UnfitError, match=says):
        tensors.to_engine(load, topology)


def test_an_engine_is_given_a_copy():
    load = hard_loads()["mild"]
    given = load.copy()
    tensors.to_engine(load, HIERARCHICAL).zero_()
    np.testing.assert_array_equal(load, given)


def test_copies_are_numbered_as_the_engine_numbers_them():
    made = tensors.from_engine(np.array([[1, 0, 1, 1]]), np.array([[[1, -1, -1], [3, 0, 2]]]), np.array([[1, 3]]))
    assert made.rank.tolist() == [[1, 0, 2, 0]]
    forgotten = tensors.from_engine(np.array([[1, 0]]), np.array([[[1], [-1]]]), np.array([[1, 1]]))
    assert forgotten.rank.tolist() == [[-1, 0]], "a slot that log2phy leaves out must not look like a copy"


def test_neither_the_package_nor_its_list_of_stages_imports_torch_or_an_engine():
    code = (
        "import sys, eplb_variants as e; e.stages(); [e.load_variant(name) for name in e.variant_names()];"
        "sys.exit(str({'torch', 'sglang', 'vllm'} & {name.partition('.')[0] for name in sys.modules} or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert not done.stderr.strip(), done.stderr


@pytest.mark.usefixtures("no_engines")
def test_a_load_is_still_checked_first():
    """The evaluator's refusals do not depend on what is installed."""
    with pytest.raises(ValueError, match="NaN"):
        load_variant("sglang_deepseek").place(np.full((LAYERS, 24), np.nan), GLOBAL)
