"""Hydra's grammar in, cells out."""

from __future__ import annotations

from importlib import resources

import pytest

from eplb_variants import EplbError, Topology, load_variant, variant_names
from eplb_variants.registry import register, stages
from evaluator.config.catalogue import choices
from evaluator.config.session import hydra_session
from evaluator.config.unofficial import options
from evaluator.sweep.plan import load_score, make_plan


@pytest.mark.parametrize("name", variant_names())
def test_a_variant_is_the_same_with_and_without_hydra(name):
    """The library reads conf/variant without Hydra: what it composes must be what Hydra composes."""
    composed = make_plan([f"variant={name}", "reference=deepseek"]).cells[0].variant
    loaded = load_variant(name)
    assert composed.name == name
    assert composed.placer == loaded.placer
    assert composed.forecaster == loaded.forecaster
    assert composed.summary == loaded.summary


def test_what_is_not_said_is_the_default():
    (cell,) = make_plan([]).cells
    assert (cell.variant.name, cell.workload.name, cell.topology_name, cell.seed) == (
        "deepseek",
        "dsr1_decode",
        "adrs",
        0,
    )
    assert cell.topology == Topology(288, 8, 4, 32)


def test_the_reference_is_evaluated_beside():
    names = [cell.variant.name for cell in make_plan(["variant=seed", "reference=contiguous"]).cells]
    assert names == ["seed", "contiguous"]
    swept = make_plan(["variant=seed,deepseek", "seed=0,1"], multirun=True).cells
    assert len(swept) == 4


def test_changes_stand_in_the_names(tmp_path):
    (tmp_path / "trace.npz").write_text('{"logical_count": [[1]]}')

    def names(*overrides):
        cell = make_plan(overrides).cells[0]
        return cell.variant.name, cell.workload.name, cell.topology_name

    assert names("variant=seed", "variant.gpu_packer.refine_steps=5")[0] == "seed[gpu_packer.refine_steps=5]"
    assert names("stage/packer@variant.gpu_packer=greedy", "variant=seed")[0] == "seed[gpu_packer.name=greedy]"
    swapped = ["stage/packer@variant.gpu_packer=diverse", "variant=seed_parent"]
    assert names(*swapped)[0] == "seed_parent[gpu_packer.name=diverse]", "its own defaults go without saying"
    assert names(*swapped, "variant.gpu_packer.tie_eps=0.5")[0] == (
        "seed_parent[gpu_packer.name=diverse,gpu_packer.tie_eps=0.5]"
    )
    assert names("workload.interval=4")[1] == "dsr1_decode[interval=4]"
    assert (
        names("workload=recorded", f"workload.path={tmp_path}/trace.npz", "workload.interval=2")[1]
        == "trace[interval=2]"
    )
    assert names("topology.num_gpus=16")[2] == "slots288_groups8_nodes4_gpus16"
    assert names("variant=seed", "variant.gpu_packer.refine_steps=2")[0] == "seed"


def test_a_stage_takes_the_place_of_another_and_keeps_the_parameters_it_shares():
    cell = make_plan(["variant=seed_parent", "stage/packer@variant.gpu_packer=diverse"]).cells[0]
    assert cell.variant.placer == load_variant("seed_diverse_only").placer


def test_a_sweep_is_the_product_in_order():
    plan = make_plan(["variant=seed,seed_parent", "seed=range(0,3)", "reference=seed"], multirun=True)
    assert [(c.variant.name, c.seed) for c in plan.cells] == [(v, s) for v in ("seed", "seed_parent") for s in range(3)]


def test_a_wildcard_leaves_out_what_cannot_run_and_says_why():
    plan = make_plan(["workload=glob(*)"], multirun=True)
    with hydra_session():
        everything = options("workload")
    assert sorted(c.workload.name for c in plan.cells) == sorted(set(everything) - {"recorded"})
    assert plan.left_out == ("workload=recorded needs workload.path=...",)


@pytest.mark.long
def test_two_thousand_cells_are_not_two_thousand_compositions(compositions):
    """Hydra composes each choice of a section once: 20 values of a parameter on 20 workloads take as few."""
    sweep = ["variant=seed", "variant.gpu_packer.refine_steps=range(0,20)", "workload=glob(*)", "seed=range(0,7)"]
    plan = make_plan([*sweep, "reference=seed"], multirun=True)
    assert len(plan.cells) == 20 * 18 * 7 + 20 * 2, "all_equal and byte_moe are the same for every seed"
    assert len(compositions) < 30


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["variant=sed"], "no variant 'sed': did you mean 'seed'"),
        (["workload=dsr1_deocde"], "did you mean 'dsr1_decode'"),
        (["variant.gpu_packer.refine_step=1"], r"no key 'variant.gpu_packer.refine_step': did you mean"),
        (["variant.gpu_packer.refine_steps=abc"], "'abc' of type 'str' could not be converted to Integer"),
        (["variant.gpu_packer.refine_steps=-1"], "refine_steps is -1"),
        (["variant.policy=golbal"], "no variant.policy 'golbal': did you mean 'global'"),
        (["variant.policy=3"], "no variant.policy '3': known are auto, global, hierarchical"),
        (["variant.implementation=fast"], "no variant.implementation 'fast'"),
        (["variant.threads=2.7"], "variant.threads=2.7 is not valid: Value '2.7' of type 'float' could not be"),
        (["variant.threads=abc"], "variant.threads=abc is not valid: Value 'abc' of type 'str' could not be"),
        (["variant.threads=0"], "threads is 0: it must be an integer, 1 or more"),
        (["variant=contiguous", "variant.threads=2"], "no key 'variant.threads': did you mean"),
        (["topology.num_gpus=many"], "topology.num_gpus=many is not valid"),
        (["score.blind=null"], "score.blind=null is not valid"),
        (["timing.rounds=2.5"], "timing.rounds=2.5 is not valid"),
        (["seed=1.5"], "seed=1.5 is not valid"),
        (["workload.sigma=high"], "could not be converted to Float"),
        (["workload=recorded"], "workload=recorded needs workload.path=..."),
        (["topology.num_slots=71"], "71 slots do not divide over 32 GPUs"),
        (["seed=1,2"], "add -m to run it"),
        (["seed=-1"], "seed is -1"),
        (["sead=1"], "no group or key 'sead': did you mean 'seed'"),
        (["varient=seed"], "no group or key 'varient': did you mean 'variant'. known are experiment, measure"),
        (["varient.threads=2"], "no group or key 'varient.threads': did you mean 'variant'"),
        (["stage/paker@variant.gpu_packer=greedy"], "no group 'stage/paker': did you mean 'stage/packer'"),
        (["+more=1"], "no group or key 'more'"),
        (["+experiment=slots"], "write experiment=slots without the plus and with -m"),
        (["++variant=seed"], "write variant=seed without the plus"),
        (["~workload"], "'~workload' removes workload, which is always needed: choose another with workload=NAME"),
        (["~variant.threads"], "removes variant.threads, which is always needed: set it with variant.threads=VALUE"),
        ([r"hydra.sweeper.params.seed=0\,1"], "on a command line, write seed=0,1, with -m"),
        (["hydra/sweeper=basic"], "on a command line, sweeps are written as a=1,2, with -m"),
        (["measure=tme"], "no measure 'tme': did you mean 'time'"),
        (["reference=seat"], "no variant 'seat'"),
        (["run=../x"], "run is '../x'"),
        (["run=" + 201 * "r"], "a name has 200 bytes at most"),
        (["run='a\nb'"], "all of letters that can be shown"),
        (["run=x.parquet"], "run is 'x.parquet': a name that ends in"),
        (["timing.rounds=1"], "timing.rounds is 1"),
        (["stage/packer@variant.gpu_packer=divers"], "no stage/packer 'divers': did you mean 'diverse'"),
        (["variant=["], r"'variant=\[' is not written as GROUP=CHOICE or KEY=VALUE: no viable alternative"),
        (["workload.windows=0"], "workload.windows is 0"),
        (["variant=null"], "no variant 'None'"),
        (
            ["variant.gpu_packer=null"],
            "is not valid: set one of variant.gpu_packer.refine_steps, or another stage",
        ),
        (["variant.gpu_packer=diverse"], "or another stage with stage/packer@variant.gpu_packer=NAME"),
        (["variant.gpu_packer.name=diverse"], "write stage/packer@variant.gpu_packer=diverse for another stage"),
        (["timing=3"], "timing=3 is not valid: set one of timing.rounds"),
        (["=seed"], "'=seed' has no key"),
        (["workload=3"], "no workload '3'"),
        (["workload.kind=recorded"], "workload.kind comes with the choice: choose another with workload=NAME"),
        (["workload=qwen3_domain", "workload.sigma=0"], "must be above 0"),
    ],
)
def test_a_mistake_is_one_sentence(overrides, says):
    def plan_and_key():
        return [
            cell.key for cell in make_plan(overrides).cells
        ]  # what cells refuse, they refuse before any is measured

    with pytest.raises(EplbError, match=says) as caught:
        plan_and_key()
    assert "\n" not in str(caught.value)
    assert "cannot be:" not in str(caught.value)


def test_an_interval_is_not_a_list_of_values():
    with pytest.raises(EplbError, match=r"'workload.sigma=interval\(0,1\)' has no number of values: write a,b,c or"):
        make_plan(["workload.sigma=interval(0,1)"], multirun=True)


def test_what_is_the_same_for_all_cells_cannot_be_swept():
    with pytest.raises(EplbError, match="score is the same for all cells"):
        make_plan(["score=default,fork"], multirun=True)
    with pytest.raises(EplbError, match="cannot be swept"):
        make_plan(["run=a,b"], multirun=True)


def test_a_key_that_only_some_choices_of_a_wildcard_have_leaves_out_the_others():
    plan = make_plan(["workload=glob(*)", "workload.windows=3"], multirun=True)
    assert len(plan.cells) == 19
    assert "no key 'workload.windows'" in plan.left_out[0]


def test_choices_of_ones_own_come_from_a_folder(tmp_path):
    (tmp_path / "variant").mkdir()
    (tmp_path / "variant" / "mine.yaml").write_text(
        "defaults:\n  - /stage/forecaster@forecaster: exponential\n  - /stage/placer@placer: random\n  - _self_\n"
        "name: mine\nsummary: my own\nplacer: {seed: 7}\n"
    )
    cell = make_plan(["variant=mine"], config_dirs=[str(tmp_path)]).cells[0]
    assert cell.variant.placer.seed == 7
    assert make_plan(["reference=mine"], config_dirs=[str(tmp_path)]).reference.name == "mine"
    assert choices("variant", [str(tmp_path)])["mine"] == "my own"
    with pytest.raises(EplbError, match="there is no folder"):
        make_plan([], config_dirs=[str(tmp_path / "missing")])


def test_a_choice_is_called_as_its_file(tmp_path):
    (tmp_path / "variant").mkdir()
    shipped = resources.files("evaluator.conf").joinpath("variant", "seed.yaml").read_text()
    (tmp_path / "variant" / "mine.yaml").write_text(shipped)
    with pytest.raises(EplbError, match="variant=mine calls itself 'seed'"):
        make_plan(["variant=mine"], config_dirs=[str(tmp_path)])


def test_every_choice_has_a_name_and_a_line():
    with hydra_session():
        for group in ("variant", "workload", "topology", "score", "experiment"):
            assert list(choices(group)) == options(group), "the list is what Hydra takes"
            for name, summary in choices(group).items():
                assert summary, (group, name)


def test_every_topology_can_be_built():
    plan = make_plan(["topology=glob(*)", "workload=all_equal"], multirun=True)
    assert not plan.left_out
    by_name = {cell.topology_name: cell.topology for cell in plan.cells}
    assert by_name["adrs"].slots_per_gpu == 9
    assert by_name["deepseek_decode"].slots_per_gpu == 2
    assert by_name["kimi_decode"].num_slots == 480
    assert not by_name["sglang_decode"].hierarchical


def test_cells_say_what_chooses_them_again(tmp_path):
    """Each cell's overrides plan that cell, the reference and what was the same for every seed among them."""
    (tmp_path / "conf" / "variant").mkdir(parents=True)
    (tmp_path / "conf" / "variant" / "mine.yaml").write_text(
        "defaults:\n  - /stage/forecaster@forecaster: last\n  - /stage/placer@placer: random\n  - _self_\nname: mine\n"
    )
    own = str(tmp_path / "conf")
    given = ["variant=mine,seed", "workload=quick,all_equal", "seed=2", "topology.num_gpus=16", "run=x", "refresh=true"]
    cells = make_plan(given, multirun=True, config_dirs=[own]).cells
    assert len(cells) == 6
    for cell in cells:
        folder, *overrides = cell.overrides
        assert folder == f"--config-dir={own}"
        assert not any(word.startswith(("run", "refresh", "reference")) for word in overrides), "these chose no cell"
        assert make_plan(overrides, config_dirs=[own]).cells[0].key == cell.key
    assert cells[-1].overrides[1:] == (
        "variant=deepseek",
        "workload=all_equal",
        "topology=adrs",
        "topology.num_gpus=16",
        "seed=0",
    )


class TestCellKey:
    """A cell's hash changes with all that determines its result, and with nothing else."""

    def key(self, *overrides):
        return make_plan(["reference=deepseek", *overrides]).cells[0].key

    def test_the_same_command_is_the_same_cell(self):
        assert self.key("variant=seed") == self.key("variant=seed", "run=elsewhere", "measure=quality")
        assert self.key("variant=seed") == self.key("variant=seed", "variant.gpu_packer.refine_steps=2")

    @pytest.mark.parametrize(
        "change",
        [
            "variant=seed",
            "variant.group_packer.refine_steps=1",
            "workload=dsr1_prefill",
            "workload.sigma=0.7",
            "workload.interval=2",
            "workload.max_windows=3",
            "topology.num_gpus=16",
            "seed=1",
        ],
    )
    def test_what_determines_the_result_changes_it(self, change):
        assert self.key(change) != self.key()

    def test_a_recording_is_known_by_its_bytes_not_its_path(self, tmp_path):
        for name, content in (("a", b'{"logical_count": [[1]]}'), ("b", b'{"logical_count": [[2]]}')):
            (tmp_path / name).mkdir()
            (tmp_path / name / "trace.npz").write_bytes(content)

        def key(name):
            return self.key("workload=recorded", f"workload.path={tmp_path / name / 'trace.npz'}")

        first = key("a")
        assert key("b") != first
        (tmp_path / "b" / "trace.npz").write_bytes((tmp_path / "a" / "trace.npz").read_bytes())
        assert key("b") == first

    def test_the_source_of_a_stage_counts(self, monkeypatch):
        from evaluator.sweep import identity

        before = self.key()
        monkeypatch.setattr(identity, "_hash_of", lambda file: "changed")
        identity.source_identity.cache_clear()
        assert self.key() != before
        identity.source_identity.cache_clear()


def test_a_registered_stage_can_be_swept(monkeypatch):
    """Giving a stage a name is all that is needed for Hydra to know it."""
    from eplb_variants import registry

    stages()
    monkeypatch.setattr(registry, "_stages", dict(registry._stages))
    register("fixup", "none_again", "the same as none")(lambda load, replication: replication)
    plan = make_plan(["stage/fixup@variant.fixup=none,none_again"], multirun=True)
    assert plan.cells[1].variant.config["fixup"]["name"] == "none_again"


def test_scores_are_found_by_name():
    assert load_score("fork").blind
    with pytest.raises(EplbError, match="did you mean 'default'"):
        load_score("defualt")
