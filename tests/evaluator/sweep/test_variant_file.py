"""A stranger's variant is read without Hydra and written anew; what it could name beside stages is refused."""

from __future__ import annotations

import pytest

from eplb_variants import EplbError, load_variant, variant_names
from evaluator.sweep.plan import make_plan
from evaluator.sweep.variant_file import config_in, text_of

GOOD = text_of("mine", load_variant("lab_best").config, "a variant")


def test_a_file_that_is_written_is_read_back_and_is_the_same_variant_for_hydra(tmp_path):
    (tmp_path / "variant").mkdir()
    names = [name for name in variant_names() if not name.startswith(("sglang", "vllm"))]
    for name in names:
        text = text_of(f"copy_{name}", load_variant(name).config, "a copy", "of it")
        assert load_variant(config_in(text)).placer == load_variant(name).placer, name
        (tmp_path / "variant" / f"copy_{name}.yaml").write_text(text)
    wanted = ",".join(f"copy_{name}" for name in names)
    plan = make_plan([f"variant={wanted}", "workload=quick"], multirun=True, config_dirs=[str(tmp_path)])
    made = {cell.variant.name: cell.variant for cell in plan.cells}
    for name in names:
        shipped, copy = load_variant(name), made[f"copy_{name}"]
        assert (copy.placer, copy.forecaster) == (shipped.placer, shipped.forecaster), name
        assert (copy.dispatcher, copy.reactive) == (shipped.dispatcher, shipped.reactive), name


@pytest.mark.parametrize("name", variant_names())
def test_the_shipped_files_are_read_as_they_stand(name):
    from importlib import resources

    text = resources.files("eplb_variants.catalogue").joinpath(f"{name}.yaml").read_text()
    try:
        shipped = load_variant(name)
    except EplbError:
        pytest.skip("it needs a package that is not installed")
    assert load_variant(config_in(text)).placer == shipped.placer


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (GOOD.replace("- _self_", "- _self_\n- /../../../../etc/passwd@_here_"), "its defaults may name a schema"),
        (GOOD.replace("- _self_", "- override /workload: quick"), "its defaults may name a schema"),
        (GOOD.replace("- _self_", "- /workload@hydra.searchpath: quick"), "its defaults may name a schema"),
        (GOOD.replace("- _self_", "- /stage/packer@fixup: greedy"), "its defaults may name a schema"),
        (GOOD.replace("- _self_", "- /stage/packer@gpu_packer: greedy"), "two stages for gpu_packer"),
        (GOOD.replace("greedy", "../greedy"), "its defaults may name a schema"),
        (GOOD + "hydra: {run: {dir: /x}}\n", "it sets 'hydra'"),
        (GOOD + "fixup: {_target_: os.system}\n", "there is no parameter of the fixup"),
        (GOOD + "threads: ${oc.env:HOME}\n", "threads must be a finite number"),
        (GOOD + "refiner: {swaps: .nan}\n", "refiner.swaps must be a finite number"),
        (GOOD + "refiner: {swaps: [1]}\n", "refiner.swaps must be a finite number"),
        (GOOD + "a: &a [x]\nb: *a\n", "anchors, aliases or tags"),
        (GOOD + "a: !!python/object/apply:os.system [x]\n", "anchors, aliases or tags"),
        (GOOD + "x: 1\n" * 2000, "it is too long"),
        ("[" * 2000, "it is not YAML|too long"),
        ("- a\n", "no mapping"),
        (GOOD.replace(": greedy", ": greedie"), "did you mean"),
    ],
)
def test_what_a_file_may_not_say_is_refused(text, why):
    with pytest.raises(EplbError, match=why):
        config_in(text)
