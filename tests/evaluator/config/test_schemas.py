"""Every section has types, also where a file of one's own does not name them."""

from __future__ import annotations

import re

import pytest
from hydra import compose
from omegaconf import OmegaConf

from eplb_variants import EplbError
from evaluator.config.session import CONFIG_NAME, hydra_session
from evaluator.config.unofficial import options
from evaluator.sweep.plan import make_plan

STEPS = """\
defaults:
  - /stage/packer@group_packer: greedy
  - /stage/replicator@replicator: dhondt
  - /stage/fixup@fixup: none
  - /stage/packer@gpu_packer: greedy
  - /stage/forecaster@forecaster: last
  - _self_
name: mine
"""
WHOLE = "defaults:\n  - /stage/forecaster@forecaster: last\n  - /stage/placer@placer: random\n  - _self_\nname: mine\n"

BOMB = "a: &a [x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{one}'] * 10)}]\n" for one, after in zip("abcdefgh", "bcdefghi", strict=True)
)
"""A hundred million values."""


@pytest.mark.parametrize("section", ["variant", "workload", "topology", "score"])
def test_every_shipped_choice_names_its_schema(section):
    """So that the plain Hydra application refuses wrong keys and types too."""
    with hydra_session():
        for name in options(section):
            config = compose(CONFIG_NAME, overrides=[f"{section}={name}"])
            assert OmegaConf.get_type(config[section]) is not dict, name


def own(folder, section, text):
    (folder / section).mkdir()
    (folder / section / "mine.yaml").write_text(text, encoding="utf-8")
    return make_plan([f"{section}=mine"], config_dirs=[str(folder)])


@pytest.mark.parametrize(
    ("section", "text", "says"),
    [
        ("variant", STEPS + "threads: 2.7\n", "Value '2.7' of type 'float' could not be converted to Integer"),
        ("variant", STEPS + "policy: golbal\n", "Invalid value 'golbal', expected one of [auto, hierarchical, global]"),
        ("variant", STEPS + "thread: 2\n", "Key 'thread' not in"),
        ("variant", WHOLE + "threads: 2\n", "Key 'threads' not in"),
        ("variant", STEPS + "gpu_packer: {refine_steps: many}\n", "'many' of type 'str' could not be converted"),
        ("topology", "name: mine\nnum_slots: 288\n", "topology=mine needs topology.num_gpus=..."),
        ("topology", "name: mine\nnum_slot: 288\n", "Key 'num_slot' not in"),
        ("workload", "name: mine\nkind: synthetic\nsigma: high\n", "'high' of type 'str' could not be converted"),
        ("score", "name: mine\nformula: 1\nblind: all\nworth: 3\n", "Key 'worth' not in"),
        ("variant", "name: !!python/object/apply:os.system ['true']\n", "is no plain YAML"),
        ("variant", "defaults: [mine]\n", "a file names itself"),
        ("variant", BOMB, "or its aliases make it so"),
        ("variant", "# " + "x" * (1 << 20), "too large for a file of configuration"),
        ("variant", "a: &a [*a]\n", "the configuration cannot be used"),
        ("variant", "name: " + 5000 * "[", "nested too deep"),
    ],
)
def test_a_file_of_ones_own_is_checked(tmp_path, section, text, says):
    with pytest.raises(EplbError, match=re.escape(says)) as caught:
        own(tmp_path, section, text)
    assert "\n" not in str(caught.value)


def test_what_a_file_leaves_out_has_its_default(tmp_path):
    variant = own(tmp_path, "variant", STEPS).cells[0].variant
    assert (variant.placer.policy, variant.placer.implementation, variant.placer.threads) == ("auto", "kernel", 1)
    assert variant.config["policy"] == "auto", "plain values, as a file read without Hydra has them"
