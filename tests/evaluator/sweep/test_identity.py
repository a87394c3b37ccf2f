"""A hash changes with what determines a result, and with nothing else."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from eplb_variants import load_variant
from eplb_variants import registry as names
from evaluator.sweep import identity
from evaluator.sweep.identity import import_closure, source_identity, variant_identity

FILES = {
    "__init__.py": "",
    "stage.py": "from guest import helper\nfrom .deep.inner import value\nimport numpy\n",
    "helper.py": "from guest.far import thing\n",
    "far.py": "thing = 1\n",
    "deep/__init__.py": "",
    "deep/inner.py": "def value():\n    from guest import late\n    return late\n",
    "late.py": "",
    "unrelated.py": "",
}


@pytest.fixture
def guest(tmp_path, monkeypatch):
    """Return the folder of somebody else's package; it is forgotten afterwards."""
    folder = tmp_path / "guest"
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    forget()
    yield folder
    forget()


def forget():
    """Let sources be read anew, as a new process does."""
    for cached in (source_identity, identity._names, identity._parsed, identity._hash_of, identity._file_of):
        cached.cache_clear()


def test_imports_are_followed_at_any_depth_and_wherever_they_stand(guest):
    found = import_closure(["guest.stage"], ["guest"])
    assert set(found) == {f"guest.{name}" for name in ("stage", "helper", "far", "deep.inner", "late")}
    assert found["guest.far"] == guest / "far.py"


@pytest.mark.parametrize(
    ("name", "counts"), [("stage", True), ("far", True), ("late", True), ("deep/inner", True), ("unrelated", False)]
)
def test_a_change_counts_where_it_is_imported(guest, name, counts):
    before = source_identity(("guest.stage",))
    with (guest / f"{name}.py").open("a") as file:
        file.write("x = 1\n")
    forget()
    assert (source_identity(("guest.stage",)) != before) == counts


def test_a_new_file_beside_the_others_changes_nothing(guest):
    before = source_identity(("guest.stage",))
    (guest / "new.py").write_text("from guest import stage\n")
    forget()
    assert source_identity(("guest.stage",)) == before


def test_what_was_typed_into_an_interpreter_has_no_file(monkeypatch):
    monkeypatch.setitem(sys.modules, "typed_in", types.ModuleType("typed_in"))
    assert import_closure(["typed_in"], ["typed_in"]) == {"typed_in": None}


def covered(monkeypatch, variant):
    """Return the modules whose sources determine a variant's placements."""
    entries = []
    monkeypatch.setattr(identity, "source_identity", lambda names: entries.extend(names))
    variant_identity(variant)
    return set(import_closure(entries, ["eplb_variants"]))


def test_a_shipped_variant_covers_its_stages_and_their_kernels_and_no_others(monkeypatch):
    found = covered(monkeypatch, load_variant("deepseek"))
    assert {"eplb_variants.packing.greedy", "eplb_variants.kernels.packing", "eplb_variants.hierarchy"} <= found
    assert not found & {"eplb_variants.testing", "eplb_variants.api", "eplb_variants.floors.random", "eplb_variants"}


def test_a_stage_that_is_registered_beside_others_leaves_their_variants_alone(monkeypatch):
    before = variant_identity(load_variant("deepseek"))
    monkeypatch.setattr(names, "_stages", dict(names._stages))
    forget()

    @names.register("packer", "unrelated", "nothing that deepseek uses")
    def unrelated(weights, labels, num_packs):
        raise NotImplementedError

    assert variant_identity(load_variant("deepseek")) == before


def test_composition_and_parameters_count_and_the_summary_does_not():
    config = dict(load_variant("seed").config)
    base = variant_identity(load_variant(config))
    assert variant_identity(load_variant({**config, "summary": "other words"})) == base
    assert variant_identity(load_variant({**config, "fixup": {"name": "k_move", "moves": 1}})) != base


def test_verdicts_cover_metrics_statistics_timing_and_the_sandbox():
    found = set(import_closure(identity.SAID_BY, identity.SAID_WITHIN))
    rooms = {Path(name.replace(".", "/")).as_posix() for name in found}
    for name in ("quality/metrics", "analysis/statistics", "timing/rounds", "candidates/sandbox/wire"):
        assert f"evaluator/{name}" in rooms
    assert not any(name.startswith(("evaluator.results", "evaluator.workloads.readers")) for name in found)


@pytest.mark.parametrize("content", [b"\x7fELF\x00\x00", b"def broken(:\n"])
def test_a_file_that_is_no_python_counts_by_its_bytes(guest, content):
    (guest / "helper.py").write_bytes(content)
    forget()
    before = source_identity(("guest.stage",))
    (guest / "helper.py").write_bytes(content + b"#")
    forget()
    assert source_identity(("guest.stage",)) != before


def test_verdicts_cover_the_checks_that_make_a_program_invalid():
    found = set(import_closure(identity.SAID_BY, identity.SAID_WITHIN))
    assert {"eplb_variants.hard_loads", "eplb_variants.placement", "eplb_variants.topology"} <= found


def test_a_verdict_covers_all_that_the_judge_and_the_sandbox_import_but_what_only_brings_and_keeps():
    """What is new there counts unless it is named here: the store, the plan, and the workloads, which have a hash."""
    covered = import_closure(identity.SAID_BY, identity.SAID_WITHIN)
    brings = {
        *("evaluator.progress", "evaluator.results.machine", "evaluator.results.schema", "evaluator.results.store"),
        *("evaluator.sweep.identity", "evaluator.workloads", "eplb_variants", "eplb_variants.errors"),
    }
    for module, file in covered.items():
        if not module.startswith(("evaluator.candidates.judging", "evaluator.candidates.sandbox")) or file is None:
            continue
        for name in identity._names(module):
            ours = name.partition(".")[0] in ("evaluator", "eplb_variants")
            assert not ours or name in covered or name in brings, f"{module} imports {name}"
