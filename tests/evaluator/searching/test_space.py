"""The space is made of what is registered: every stage can be chosen, with parameters that it takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from eplb_variants import EplbError, load_variant, register, variant_names
from eplb_variants.registry import _stages, stages
from eplb_variants.variant import STEPS
from evaluator.searching.space import FORM, STAGED, WHOLE, choices_for, choices_of, compose, told


class Drawn:
    """A trial that draws its choices, but for those that are given."""

    def __init__(self, seed, **given):
        self.draw, self.given, self.asked = np.random.default_rng(seed), given, {}

    def suggest_categorical(self, name, choices):
        value = self.given.get(name, choices[self.draw.integers(len(choices))])
        assert value in choices
        return self.asked.setdefault(name, value)

    def suggest_float(self, name, low, high, *, log=False):
        assert low <= high
        assert low > 0 or not log
        value = self.given.get(name, float(self.draw.uniform(low, high)))
        assert low <= value <= high
        return self.asked.setdefault(name, value)

    def suggest_int(self, name, low, high, *, log=False):
        assert low <= high
        value = self.given.get(name, int(self.draw.integers(low, high + 1)))
        assert low <= value <= high
        return self.asked.setdefault(name, value)


def test_most_of_what_is_composed_is_a_variant_and_the_rest_is_refused_in_a_sentence():
    refused = []
    for seed in range(200):
        try:
            load_variant(compose(Drawn(seed)))
        except EplbError as error:
            refused.append(str(error))
    assert len(refused) < 20
    assert all("it must be" in why or "it is a" in why for why in refused)


@pytest.mark.parametrize("kind", ["forecaster", "placer", *sorted(set(STEPS.values()))])
def test_every_stage_that_runs_here_can_be_chosen_and_those_of_engines_cannot(kind):
    chosen = {stage.name for stage in choices_of(kind)}
    assert chosen == {stage.name for stage in stages(kind) if not stage.requires}
    step = "gpu_packer" if kind == "packer" else kind
    for name in chosen:
        config = compose(Drawn(0, **{FORM: WHOLE if kind == "placer" else STAGED, step: name}))
        assert config[step]["name"] == name


def test_only_parameters_of_the_chosen_stage_are_asked_about():
    trial = Drawn(0, form=STAGED, replicator="divisor", forecaster="last")
    compose(trial)
    assert "replicator.divisor.offset" in trial.asked
    assert not any(name.startswith(("replicator.hybrid", "forecaster.")) for name in trial.asked)


def test_a_new_stage_is_searched_without_touching_the_search():
    @register("packer", "of_the_test", "for the test")
    @dataclass(frozen=True)
    class OfTheTest:
        strength: float = 0.5
        rounds: int = 3
        gently: bool = True

        def __call__(self, weights, labels, num_packs): ...

    try:
        trial = Drawn(0, form=STAGED, gpu_packer="of_the_test")
        config = compose(trial)["gpu_packer"]
    finally:
        del _stages["packer", "of_the_test"]
    assert set(config) == {"name", "strength", "rounds", "gently"}
    assert 0.05 <= config["strength"] <= 1
    assert 0 <= config["rounds"] <= 12


@pytest.mark.parametrize("name", variant_names())
def test_the_choices_of_a_shipped_variant_compose_it(name):
    config = load_variant(name).config
    choices = choices_for(config)
    if choices is None:
        is_an_engines, is_far = name.startswith(("sglang_", "vllm_")), name == "fastdeploy"  # its penalty is
        within_a_step = {"dispatcher", "reactive"} & set(config)
        assert is_an_engines or is_far or within_a_step or config.get("policy") == "global"
        return
    made = compose(Drawn(0, **choices))
    for step, stage in made.items():
        given = config.get(step, {"name": "none"})
        given = {"name": given} if isinstance(given, str) else given
        assert stage["name"] == given["name"]
        assert {key: stage[key] for key in given} == given, step


def test_a_composition_is_told_in_a_line():
    config = {"forecaster": {"name": "last"}, "placer": {"name": "hot_ring", "theta": 0.51234}}
    assert told(config) == "forecaster last, placer hot_ring(theta=0.512)"
