"""Single overrides: what they concern, and values that are set where they belong."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from eplb_variants import EplbError
from evaluator.config.composer import SECTIONS
from evaluator.config.overrides import bare_key, check_written, section_of, set_value
from evaluator.config.schemas import STAGED
from evaluator.config.session import hydra_session
from evaluator.config.unofficial import parser


def read(line):
    with hydra_session():
        return parser().parse_override(line)


@pytest.mark.parametrize(
    ("line", "section", "key"),
    [
        ("variant=seed", "variant", "variant"),
        ("++variant.threads=2", "variant", "variant.threads"),
        ("stage/packer@variant.gpu_packer=greedy", "variant", "stage/packer@variant.gpu_packer"),
        ("seed=1", None, "seed"),
        ("timing.rounds=3", None, "timing.rounds"),
    ],
)
def test_what_an_override_concerns(line, section, key):
    assert section_of(read(line), SECTIONS) == section
    assert bare_key(read(line)) == key


@pytest.mark.parametrize("line", ["variant=seed", "seed=1", "+mygroup=x", "++variant.threads=2"])
def test_what_changes_or_adds_a_value_may_be_written(line):
    check_written(read(line), SECTIONS)


@pytest.mark.parametrize("line", ["~variant", "~seed", "+variant=seed", "=3"])
def test_what_removes_or_adds_what_is_there_may_not(line):
    with pytest.raises(EplbError):
        check_written(read(line), SECTIONS)


def variant():
    return OmegaConf.create({"variant": OmegaConf.structured(STAGED(gpu_packer={"name": "greedy", "refine_steps": 0}))})


def test_a_value_is_set_where_it_is():
    config = variant()
    for key, value in {"threads": 2, "policy": "global", "gpu_packer.refine_steps": 3}.items():
        set_value(config, f"variant.{key}", value)
    assert (config.variant.threads, config.variant.policy.name, config.variant.gpu_packer.refine_steps) == (
        2,
        "global",
        3,
    )


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("variant.threads", 2.7, "variant.threads=2.7 is not valid"),
        ("variant.thread", 2, "no key 'variant.thread': did you mean 'variant.threads'"),
        ("variant.threads.x", 2, "no key 'variant.threads.x'"),
        ("variant.policy", "golbal", "no variant.policy 'golbal': did you mean 'global'"),
        ("variant.gpu_packer", "diverse", "stage/packer@variant.gpu_packer=NAME"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(key, value, says):
    with pytest.raises(EplbError, match=says):
        set_value(variant(), key, value)
