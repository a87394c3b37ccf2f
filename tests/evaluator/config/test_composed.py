"""What is composed is kept until a file changes, and is nobody's to change."""

from __future__ import annotations

import pytest

from evaluator.config.composed import composed
from evaluator.config.session import hydra_session
from evaluator.config.unofficial import folders


@pytest.fixture
def folder(tmp_path):
    """Return a folder laid out as ``conf/`` is, with a topology ``own`` of 64 slots."""
    (tmp_path / "topology").mkdir()
    write(tmp_path, 64)
    return tmp_path


def write(folder, slots):
    (folder / "topology" / "own.yaml").write_text(
        f"name: own\nsummary: s\nnum_slots: {slots}\nnum_groups: 1\nnum_nodes: 1\nnum_gpus: 8\n"
    )


def slots(folder):
    with hydra_session([str(folder)]):
        return composed(("topology=own",)).topology.num_slots


def test_it_is_composed_once_until_a_file_changes(folder, compositions):
    assert [slots(folder), slots(folder), len(compositions)] == [64, 64, 1]
    write(folder, 128)
    assert [slots(folder), slots(folder), len(compositions)] == [128, 128, 2]
    (folder / "topology" / "another.yaml").write_text("name: another\n")
    assert [slots(folder), len(compositions)] == [128, 3], "a new file may hide another"


def test_a_folder_of_the_same_choices_is_another(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "topology").mkdir()
    write(other, 96)
    assert [slots(folder), slots(other), slots(folder)] == [64, 96, 64]


def test_what_a_caller_changes_is_its_own(folder):
    with hydra_session([str(folder)]):
        composed(("topology=own",)).topology.num_slots = 8
        assert composed(("topology=own",)).topology.num_slots == 64


def test_hydras_own_section_is_there_where_it_is_asked_for():
    with hydra_session():
        assert "hydra" in composed((), with_hydra=True)
        assert "hydra" not in composed(())


def test_choices_come_from_our_folder_and_those_that_are_named(folder):
    with hydra_session([str(folder)]):
        assert folder.resolve() in folders()
        assert any((root / "variant" / "deepseek.yaml").is_file() for root in folders())
        assert len(folders()) == 2
