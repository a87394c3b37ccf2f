"""Plans are carried out once: what is there is skipped, what failed is tried again, nothing measured is lost."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from eplb_variants import EplbError, registry
from eplb_variants.installed import loading
from eplb_variants.registry import register, stages
from evaluator.analysis.summary import by_workload
from evaluator.sweep import measure
from evaluator.sweep import run as sweep
from evaluator.sweep.plan import make_plan


@pytest.fixture
def plan(tmp_path, small):
    """Return a function that plans a small sweep into a folder of the test."""

    def make(*overrides, multirun=True):
        return make_plan([*small, f"runs_dir={tmp_path}", *overrides], multirun=multirun)

    return make


def frame(outcome):
    return pd.read_parquet(outcome.folder)


def test_a_sweep_is_measured_once(plan):
    sweeping = ("variant=seed,contiguous", "seed=0,1")
    first = sweep.run(plan(*sweeping))
    assert (first.measured, first.timed, first.cached) == (6, 6, 0)
    rows = frame(first)
    assert len(rows) == 6 * 6
    assert set(rows["variant"]) == {"seed", "contiguous", "deepseek"}
    assert rows["time_ratio"].notna().all()
    assert rows["timing_valid"].all()
    assert rows["balancedness_gpu_own"].between(0, 1).all()
    assert rows.groupby("cell")["balancedness_gpu_next"].count().eq(5).all()
    assert json.loads(rows["machine"].iloc[0])["cores"] >= 1

    again = sweep.run(plan(*sweeping))
    assert (again.measured, again.timed, again.cached) == (0, 0, 6)
    assert sorted(again.files) == sorted(first.files)


def test_an_amended_command_measures_only_what_is_new(plan):
    sweep.run(plan("variant=seed"))
    more = sweep.run(plan("variant=seed,seed_parent"))
    assert (more.measured, more.timed, more.cached) == (1, 1, 2)


def test_quality_first_time_later(plan):
    quality = sweep.run(plan("variant=seed", "measure=quality"))
    assert frame(quality)["place_seconds"].isna().all()
    before = frame(quality).set_index(["cell", "window"])["balancedness_gpu_own"]
    timed = sweep.run(plan("variant=seed", "measure=time"))
    assert (timed.measured, timed.timed) == (0, 2)
    after = frame(timed).set_index(["cell", "window"])
    assert after["place_seconds"].gt(0).all()
    pd.testing.assert_series_equal(after["balancedness_gpu_own"].sort_index(), before.sort_index())


def test_other_timing_settings_time_again_but_do_not_measure_again(plan):
    sweep.run(plan("variant=seed"))
    again = sweep.run(plan("variant=seed", "timing.rounds=4"))
    assert (again.measured, again.timed) == (0, 2)
    assert frame(again)["timing_rounds"].eq(4).all()


def test_measuring_quality_again_keeps_the_times(plan):
    first = frame(sweep.run(plan("variant=seed")))
    again = sweep.run(plan("variant=seed", "measure=quality", "refresh=true"))
    assert (again.measured, again.timed) == (2, 0)
    key = ["cell", "window"]
    before, after = (f.set_index(key)["place_seconds"].sort_index() for f in (first, frame(again)))
    pd.testing.assert_series_equal(before, after)
    only_time = sweep.run(plan("variant=seed", "measure=time", "refresh=true"))
    assert (only_time.measured, only_time.timed) == (0, 2)


def test_what_callers_pay_is_timed_where_it_is_asked_for(plan):
    names = ["place_maps_seconds", "place_torch_seconds", "place_cold_seconds"]
    plain = sweep.run(plan("variant=seed"))
    assert frame(plain)[names].isna().all(axis=None)
    asked = sweep.run(plan("variant=seed", "timing.callers=true"))
    assert (asked.measured, asked.timed) == (0, 2)
    assert set(names) <= set(frame(asked).columns)
    assert json.loads(frame(asked)["timing_config"].iloc[0])["callers"] is True


def test_every_variant_is_timed_beside_the_reference(plan, monkeypatch, tmp_path):
    original = measure.time_variants

    def asked(variants, reference, *rest):
        with (tmp_path / "asked").open("a") as file:  # it is a child that asks
            file.write(json.dumps([sorted(v.name for v in variants.values()), reference.name]) + "\n")
        return original(variants, reference, *rest)

    monkeypatch.setattr(measure, "time_variants", asked)
    outcome = sweep.run(plan("variant=seed,contiguous", "reference=seed_parent"))
    assert json.loads((tmp_path / "asked").read_text()) == [["contiguous", "seed", "seed_parent"], "seed_parent"]
    assert set(frame(outcome)["time_reference"]) == {"seed_parent"}


def test_a_recording_that_cannot_be_used_is_refused_once_before_anything_is_measured(tmp_path, small):
    np.savez(tmp_path / "short.npz", counts=np.ones((2, 3, 256), dtype=int))
    np.savez(tmp_path / "whole.npz", counts=np.random.default_rng(0).integers(1, 9, (40, 3, 256)))
    paths = f"workload.path={tmp_path}/whole.npz,{tmp_path}/short.npz"
    overrides = ["workload=recorded", paths, "workload.interval=4", f"runs_dir={tmp_path}", "measure=quality"]
    with pytest.raises(EplbError, match=r"short.npz', a canonical .npz .*: the trace has 2 steps with load: too few"):
        sweep.run(make_plan(overrides, multirun=True))
    assert not list(tmp_path.rglob("*.parquet"))


def test_what_was_read_is_said_of_each_recording_once_and_only_when_it_is_measured(tmp_path, small):
    np.savez(tmp_path / "whole.npz", counts=np.random.default_rng(0).integers(1, 9, (40, 3, 256)))
    overrides = ["workload=recorded", f"workload.path={tmp_path}/whole.npz", f"runs_dir={tmp_path}", "measure=quality"]
    plan = make_plan([*overrides, "variant=seed,contiguous"], multirun=True)
    told = Told()
    sweep.run(plan, told)
    (line,) = told.said
    assert "40 steps, 3 layers, 256 experts; 40 windows of 1 step" in line
    sweep.run(plan, told)
    assert len(told.said) == 1


@pytest.mark.long
def test_scenarios_that_a_wildcard_brings_in_and_that_are_too_short_are_left_out(tmp_path):
    """``quick`` has six windows, the others 24."""
    overrides = ["workload=glob(*,exclude=recorded)", "workload.interval=12", f"runs_dir={tmp_path}"]
    plan = make_plan(overrides, multirun=True)
    assert not any(cell.workload.name.startswith("quick") for cell in plan.cells)
    assert "the trace has 6 steps with load: too few for one window of 12 steps" in plan.left_out
    with pytest.raises(EplbError, match="too few for one window of 12 steps"):
        make_plan(["workload=quick", "workload.interval=12"])


def test_recordings_of_one_name_are_told_apart(tmp_path, small):
    for number, folder in enumerate("ab"):
        (tmp_path / folder).mkdir()
        counts = np.random.default_rng(number).integers(1, 9, (6, 3, 256))
        np.savez(tmp_path / folder / "trace.npz", counts=counts)
    paths = f"workload.path={tmp_path}/a/trace.npz,{tmp_path}/b/trace.npz"
    overrides = ["workload=recorded", paths, f"runs_dir={tmp_path}", "measure=quality", "seed=0,1,2"]
    plan = make_plan(overrides, multirun=True)
    assert len(plan.cells) == 2, "a recording is the same for every seed"
    assert len({cell.workload.name for cell in plan.cells}) == 2
    assert any("same for every seed" in sentence for sentence in plan.left_out)
    assert len(by_workload(frame(sweep.run(plan)))) == 2


def test_refresh_measures_again(plan):
    sweep.run(plan("variant=seed", "measure=quality"))
    assert sweep.run(plan("variant=seed", "measure=quality", "refresh=true")).measured == 2


@pytest.fixture
def crashing(monkeypatch):
    """A placer that crashes on one seed's load, until it is mended."""
    stages()
    monkeypatch.setattr(registry, "_stages", dict(registry._stages))
    state = {"broken": True}

    def crash(load, topology, previous):
        if state["broken"]:
            raise ZeroDivisionError("division by zero")
        return registry.build("placer", "contiguous")(load, topology, previous)

    register("placer", "crash", "crashes")(crash)
    return state


@pytest.fixture
def crash_dir(tmp_path):
    folder = tmp_path / "conf"
    (folder / "variant").mkdir(parents=True)
    (folder / "variant" / "crash.yaml").write_text(
        "defaults:\n  - /stage/forecaster@forecaster: last\n  - /stage/placer@placer: crash\n  - _self_\nname: crash\n"
    )
    return [str(folder)]


def test_a_cell_that_fails_is_a_row_and_does_not_stop_the_others(tmp_path, small, crashing, crash_dir):
    def plan():
        return make_plan([*small, f"runs_dir={tmp_path}", "variant=crash,seed"], multirun=True, config_dirs=crash_dir)

    first = sweep.run(plan())
    assert list(first.failed.values()) == ["ZeroDivisionError: division by zero"]
    assert first.measured == 2
    rows = frame(first)
    (failed,) = rows[rows["status"] == "failed"].to_dict("records")
    assert failed["variant"] == "crash"
    assert failed["reason"] == "ZeroDivisionError: division by zero"
    crashing["broken"] = False
    second = sweep.run(plan())
    assert (second.measured, second.cached, second.failed) == (1, 2, {})
    assert frame(second)["status"].eq("ok").all()


def test_parts_that_do_not_fit_are_skipped_with_the_reason(plan):
    outcome = sweep.run(plan("topology=adrs,vllm_qwen30b", "measure=quality"))
    assert list(outcome.skipped.values()) == ["144 slots are too few for 256 logical experts: each needs at least one"]
    assert outcome.measured == 1
    rows = frame(outcome)
    assert set(rows["status"]) == {"ok", "skipped"}


def test_variants_of_engines_that_are_missing_are_skipped_with_the_command(plan, monkeypatch):
    monkeypatch.setattr(loading, "find_spec", lambda engine: None)
    loading._function.cache_clear()
    outcome = sweep.run(plan("variant=glob(*)", "measure=quality"))
    needy = {stage.name: stage.requires for stage in stages() if stage.requires}
    assert {cell.partition(" ")[0] for cell in outcome.skipped} == set(needy)
    for cell, reason in outcome.skipped.items():
        assert f"pip install --no-deps {needy[cell.partition(' ')[0]]}" in reason
    assert not outcome.failed
    assert frame(outcome).groupby("status")["variant"].nunique().to_dict() == {"ok": outcome.measured, "skipped": 4}


def test_a_cell_is_another_one_with_another_version_of_its_engine(plan, monkeypatch):
    def keys():
        return {cell.variant.name: cell.key for cell in plan("variant=sglang_deepseek,seed").cells}

    before = keys()
    monkeypatch.setattr("evaluator.sweep.identity.installed_version", lambda engine: f"another {engine}")
    assert {name for name, key in keys().items() if key != before[name]} == {"sglang_deepseek"}


def test_a_missing_recording_is_an_error_before_anything_is_measured(plan, tmp_path):
    with pytest.raises(EplbError, match="there is no workload in"):
        sweep.run(
            make_plan(["workload=recorded", f"workload.path={tmp_path / 'no.npz'}", f"runs_dir={tmp_path / 'runs'}"])
        )
    assert not (tmp_path / "runs").exists()


def test_progress_is_told_of_every_cell(plan):
    told = Told()
    sweep.run(plan("variant=seed"), told)
    assert told.started == [("cells", 4)]
    assert len(told.steps) == 4
    assert told.said == []


class Told:
    """Keeps what it is told."""

    def __init__(self):
        self.started, self.steps, self.said = [], [], []

    def start(self, what, total):
        self.started.append((what, total))

    def step(self, doing):
        self.steps.append(doing)

    def say(self, sentence):
        self.said.append(sentence)
