"""Points of plain sections, and the overrides that chose them."""

from __future__ import annotations

import pytest

from eplb_variants import EplbError
from evaluator.config.composer import SECTIONS, Composer
from evaluator.config.session import hydra_session


def points(*overrides):
    with hydra_session():
        made = list(Composer().points(overrides, multirun=True))
        return [({name: point.section(name) for name in SECTIONS}, point.settings) for point in made]


def chosen(section, *overrides):
    ((sections, _),) = points(*overrides)
    return list(sections[section].overrides)


def test_sections_and_settings_are_plain_values():
    ((sections, settings),) = points("variant.policy=global", "seed=3")
    everything = [settings, *(part for section in sections.values() for part in (section.values, section.preset))]
    plain = (dict, list, str, int, float, bool, type(None))

    def types(value):
        yield type(value)
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from types(inner)

    assert {kind for part in everything for kind in types(part)} <= set(plain)
    assert sections["variant"].values["policy"] == "global"
    assert sections["variant"].preset["policy"] == "auto"
    assert settings["seed"] == 3


def test_equal_choices_are_the_same_section():
    made = points("variant=seed,deepseek", "seed=0,1")
    assert made[0][0]["variant"] is made[1][0]["variant"]
    assert made[0][0]["workload"] is made[3][0]["workload"]
    assert made[0][0]["variant"] is not made[2][0]["variant"]


@pytest.mark.parametrize(
    ("section", "given", "written"),
    [
        ("variant", [], ["variant=deepseek"]),
        ("variant", ["variant=seed", "variant.gpu_packer.refine_steps=2"], ["variant=seed"]),
        (
            "variant",
            ["++variant.threads=2", "variant.gpu_packer.refine_steps=1", "variant.threads=3", "variant=seed"],
            ["variant=seed", "variant.gpu_packer.refine_steps=1", "variant.threads=3"],
        ),
        (
            "variant",
            ["variant.gpu_packer.tie_eps=1", "stage/packer@variant.gpu_packer=diverse", "variant=seed_parent"],
            ["variant=seed_parent", "stage/packer@variant.gpu_packer=diverse", "variant.gpu_packer.tie_eps=1.0"],
        ),
        (
            "variant",
            ["variant.gpu_packer={refine_steps: 2}"],
            ["variant=deepseek", "variant.gpu_packer.refine_steps=2"],
        ),
        ("variant", ["stage/packer@variant.gpu_packer=greedy"], ["variant=deepseek"]),
        ("variant", ["experiment=ties", "variant.fixup.moves=2"], ["variant=seed"]),
        ("workload", ["workload=recorded", "workload.path='a b'"], ["workload=recorded", 'workload.path="a b"']),
        ("topology", ["topology.num_gpus=16"], ["topology=adrs", "topology.num_gpus=16"]),
    ],
)
def test_overrides_have_one_form_however_they_were_given(section, given, written):
    """The choice first, then other stages, then values that differ: what changes nothing is left out."""
    with hydra_session():
        point = next(Composer().points(given, multirun=True))
        assert list(point.section(section).overrides)[: len(written)] == written
        if "experiment=ties" not in given:
            assert list(point.section(section).overrides) == written
        again = next(Composer().points(point.section(section).overrides, multirun=False)).section(section)
        assert again.values == point.section(section).values, "and they choose the same section again"


def test_a_section_is_chosen_by_name():
    with hydra_session():
        assert Composer().chosen("score", "fork").values["name"] == "fork"
        with pytest.raises(EplbError, match="did you mean 'seed'"):
            Composer().chosen("variant", "sed")
