"""Verdicts: what is said of programs that are the same, better, worse or neither."""

from __future__ import annotations

import copy
import dataclasses
import gc
import time
from importlib import resources

import pyarrow.parquet as pq
import pytest

from evaluator.analysis.statistics import Estimate
from evaluator.candidates.judging import judge as judging
from evaluator.candidates.judging.checks import Invalid
from evaluator.candidates.judging.feedback import feedback
from evaluator.candidates.judging.judge import Judge, ParentUnusable
from evaluator.candidates.judging.schema import ARROW, BETTER, IDENTICAL, INVALID, NO_DIFFERENCE, WORSE
from evaluator.candidates.judging.timing import ParentFailed, time_beside
from evaluator.candidates.judging.trial import Trial
from evaluator.candidates.program import Program
from evaluator.results.store import Store
from evaluator.timing.settings import TimingSettings

PARENT = resources.files("evaluator.examples").joinpath("programs", "balancer.py").read_text()
BLIND = PARENT.replace("weight = weight.float().cpu()", "weight = torch.ones_like(weight.float().cpu())")
PARTS = {"training": tuple(range(12)), "held_out": tuple(range(100, 112))}
CARELESS = PARENT.replace("descending=True, stable=True", "descending=False, stable=True")


def test_the_parent_is_the_parent(verdict):
    row = verdict(PARENT + "\n# more\n")
    assert row["verdict"] == IDENTICAL
    assert row["balancedness_gpu_next_difference"] == 0
    assert row["repeats"]
    assert row["windows"] == 7
    assert (row["checked_loads"], row["portable"], row["fails_on"]) == (26, True, None)
    assert row["score"] == row["score_parent"] == row["balancedness_gpu_next"]
    assert "landlock" in row["isolation"]
    assert len(row["next_by_window"]) == 7


def test_packing_the_lightest_first_is_worse(verdict):
    row = verdict(CARELESS)
    assert row["verdict"] == WORSE
    assert row["balancedness_gpu_next_difference_high"] < 0


def test_undoing_it_is_better(tmp_path, small_settings):
    with Judge(Program("careless", CARELESS), small_settings(), Store(tmp_path, ARROW)) as judge:
        program = Program("careful", PARENT)
        assert judge.judge([program])[program.key]["verdict"] == BETTER


@pytest.fixture(scope="module")
def in_stages(tmp_path_factory, small_stratum, small_settings):
    """Return the rows of a better program and of one that is hopeless, beside a careless parent."""
    parts = {name: (small_stratum(windows=3, seeds=seeds),) for name, seeds in PARTS.items()}
    folder = tmp_path_factory.mktemp("stages")
    with Judge(Program("careless", CARELESS), small_settings(**parts), Store(folder, ARROW)) as judge:
        programs = [Program("careful", PARENT), Program("blind", BLIND)]
        rows = judge.judge(programs)
        yield [rows[program.key] for program in programs], judge.judge(programs)


def test_what_is_better_in_training_is_confirmed_on_the_held_out_part(in_stages):
    (better, _), _ = in_stages
    assert (better["verdict"], better["stage"], better["confirmed"]) == (BETTER, "held-out", True)
    assert (better["traces"], better["held_out_traces"], better["windows"]) == (12, 12, 36)
    assert better["held_out_difference_low"] < better["held_out_difference"] < better["held_out_difference_high"]


def test_the_hopeless_are_given_up_and_compared_on_what_they_placed(in_stages):
    (_, hopeless), _ = in_stages
    assert (hopeless["verdict"], hopeless["stage"], hopeless["confirmed"]) == (WORSE, "first windows", None)
    assert (hopeless["traces"], hopeless["windows"]) == (12, 24)
    assert len(hopeless["next_by_window"]) == len(hopeless["next_by_window_parent"]) == 24
    assert hopeless["held_out_difference"] is None


def test_what_was_found_on_the_held_out_part_is_kept_and_not_told_to_a_search(in_stages):
    (better, _), again = in_stages
    kept = next(row for row in again.values() if row["candidate"] == "careful")
    assert kept["confirmed"] is True
    unseen = {name: None for name in better if "held_out" in name or name in ("confirmed", "stage")}
    assert feedback(better) == feedback({**better, **unseen})


def test_a_change_that_matters_little_is_no_difference(verdict):
    """Other slots on the same GPUs: not the same placement, and as balanced but for ties, broken by other labels."""
    turned = PARENT.replace(
        "    return phy2log, *maps(phy2log, num_experts)",
        "    phy2log = phy2log.view(num_layers, num_gpus, -1).flip(2).reshape(num_layers, -1)\n"
        "    return phy2log, *maps(phy2log, num_experts)",
    )
    row = verdict(turned)
    assert row["verdict"] == NO_DIFFERENCE
    assert row["balancedness_gpu_next_difference"] == pytest.approx(0, abs=0.005)


def test_a_program_that_draws_its_placement_does_not_repeat_itself(verdict):
    drawn = PARENT.replace(
        "    return phy2log, *maps(phy2log, num_experts)",
        "    order = torch.stack([torch.randperm(num_gpus // num_nodes) + n * (num_gpus // num_nodes)"
        " for n in range(num_nodes)]).view(-1)\n"
        "    phy2log = phy2log.view(num_layers, num_gpus, -1)[:, order].reshape(num_layers, -1)\n"
        "    return phy2log, *maps(phy2log, num_experts)",
    )
    row = verdict(drawn)
    assert row["verdict"] == NO_DIFFERENCE
    assert row["repeats"] is False


@pytest.mark.parametrize(
    ("broken", "load"),
    [
        ("assert weight.sum() > 0", "all zero"),
        ("assert weight.max() <= 15 * weight.mean()", "one expert has all the load"),
        ("assert (weight > 0).any(dim=1).all()", "all zero"),
        ("assert ((weight > 0).any(dim=1) | (weight.sum() == 0)).all()", "zero rows"),
        ("assert weight.max() < 1e12", "huge"),
    ],
)
def test_the_hard_loads_find_what_a_mild_one_does_not(verdict, broken, load):
    row = verdict(PARENT.replace("    weight = weight.float().cpu()\n", f"    weight = weight.float()\n    {broken}\n"))
    assert row["verdict"] == INVALID
    assert row["check_load"] == load


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        ("assert num_replicas > weight.shape[1]", "no redundancy"),
        ("assert num_replicas > num_gpus", "one slot per GPU"),
        ("assert num_gpus > 1", "one GPU"),
    ],
)
def test_failing_on_another_topology_is_said_and_decides_where_that_is_asked_for(
    verdict, judge, monkeypatch, broken, where
):
    source = PARENT.replace("    weight = weight.float().cpu()\n", f"    weight = weight.float()\n    {broken}\n")
    row = verdict(source)
    assert (row["verdict"], row["portable"], row["fails_on"]) == (IDENTICAL, False, where)
    monkeypatch.setattr(judge, "settings", dataclasses.replace(judge.settings, strict=True))
    row = verdict(source)
    assert (row["verdict"], row["check_load"]) == (INVALID, where)


def test_the_global_path_is_tried(verdict):
    row = verdict(
        PARENT.replace(
            "    if num_groups % num_nodes:\n        num_groups = num_nodes = 1\n",
            "    assert num_groups % num_nodes == 0\n",
        )
    )
    assert (row["verdict"], row["fails_on"]) == (IDENTICAL, "groups that nodes do not divide")


def test_a_program_is_judged_once_whatever_it_is_called(judge, monkeypatch):
    tried = []
    original = judging.try_out
    monkeypatch.setattr(judging, "try_out", lambda *a, **k: tried.append(a[1].name) or original(*a, **k))
    source = PARENT + "\n# judged once\n"
    first = judge.judge([Program("one", source), Program("two", source)])
    again = judge.judge([Program("three", source)])
    assert len(tried) == 1
    assert list(first) == list(again)


def test_nothing_is_kept_of_a_program_but_its_row(judge):
    """A run of thousands takes no more memory for what they did."""
    judge.judge([Program(str(i), f"{PARENT}\n# of {i} nothing is kept\n") for i in range(3)])
    gc.collect()
    before = sum(type(one) is Trial for one in gc.get_objects())
    judge.judge([Program(str(i), f"{PARENT}\n# nor of {i}\n") for i in range(3)])
    gc.collect()
    assert sum(type(one) is Trial for one in gc.get_objects()) == before


def test_other_settings_are_another_judgement(judge, small_stratum):
    program = Program("x", PARENT)
    before = judge.key(program)
    judge_settings = judge.settings
    try:
        judge.settings = dataclasses.replace(judge_settings, training=(small_stratum(seeds=(6,)),))
        assert judge.key(program) != before
    finally:
        judge.settings = judge_settings


@pytest.mark.long
def test_several_are_tried_beside_each_other(tmp_path, small_settings):
    with Judge(Program("parent", PARENT), small_settings(jobs=3), Store(tmp_path, ARROW)) as judge:
        programs = [Program(str(i), PARENT + f"\n# {i}\n") for i in range(6)]
        rows = judge.judge(programs)
    assert [row["verdict"] for row in rows.values()] == [IDENTICAL] * 6
    assert len(list(tmp_path.glob("*.parquet"))) == 6


def test_rows_are_parquet_with_their_meanings(judge, verdict):
    verdict(PARENT)
    path = next(judge.store.folder.glob("*.parquet"))
    schema = pq.read_schema(path)
    assert schema.names == ARROW.names
    assert all(field.metadata[b"meaning"] for field in schema)


@pytest.mark.parametrize("programs", [[], [Program("x", PARENT)]], ids=["nothing to judge", "one"])
def test_a_parent_that_fails_is_unusable(tmp_path, small_settings, programs):
    with (
        Judge(Program("broken", "x ="), small_settings(), Store(tmp_path, ARROW)) as judge,
        pytest.raises(ParentUnusable, match="cannot be judged against: answer on loading the program"),
    ):
        judge.judge(programs)


@pytest.mark.parametrize("name", ["snake_deal.py"])
def test_the_example_programs_are_valid(verdict, name):
    source = resources.files("evaluator.examples").joinpath("candidates", name).read_text()
    assert verdict(source)["verdict"] in (WORSE, NO_DIFFERENCE, BETTER)


def test_honest_programs_are_timed(timing_judge):
    program = Program("timed", PARENT + "\n# the same\n")
    row = timing_judge.judge([program])[program.key]
    assert row["verdict"] == IDENTICAL
    assert row["timing_rounds"] == 3
    assert row["time_ratio"] > 0


def test_what_was_given_up_is_not_timed_and_not_judged_again(timing_judge, small_stratum, monkeypatch):
    settings = dataclasses.replace(timing_judge.settings, training=(small_stratum(windows=3, seeds=PARTS["training"]),))
    twin = copy.copy(timing_judge)
    twin.settings = settings
    twin._found = {}
    program = Program("blind", BLIND)
    row = twin.judge([program])[program.key]
    assert (row["stage"], row["time_ratio"]) == ("first windows", None)
    monkeypatch.setattr(judging, "try_out", None)
    assert twin.judge([program])[program.key]["measured_at"] == row["measured_at"]


@pytest.mark.long
def test_the_parent_beside_itself_is_a_control_of_all_times(timing_judge, monkeypatch):
    """It is measured once; where it is off, no time has a verdict."""
    asked = []
    original = judging.time_beside

    def counted(sandbox, candidate, parent, *source, **more):
        asked.append(candidate[0].key == parent[0].key)
        timing = original(sandbox, candidate, parent, *source, **more)
        return timing._replace(ratio=Estimate(2.0, 1.9, 2.1, 20))

    monkeypatch.setattr(judging, "time_beside", counted)
    monkeypatch.delitem(timing_judge._found, "control", raising=False)
    programs = [Program("timed", f"{PARENT}\n# control {i}\n") for i in range(2)]
    rows = timing_judge.judge(programs).values()
    assert asked == [False, True, False]
    assert {row["time_control"] for row in rows} == {2.0}
    assert {row["time_verdict"] for row in rows} == {None}
    timing_judge._found["control"] = Estimate(1.0, 0.99, 1.01, 20)
    (row,) = timing_judge.judge([Program("timed", f"{PARENT}\n# control again\n")]).values()
    assert row["time_control"] == 1.0


def test_the_parents_failure_is_not_the_candidates(timing_judge, monkeypatch):
    def broken(*_, **__):
        raise ParentFailed(Invalid("answer", "the workload", "parent broke"))

    monkeypatch.setattr(judging, "time_beside", broken)
    with pytest.raises(ParentUnusable, match="parent broke"):
        timing_judge.judge([Program("timed", PARENT + "\n# broken\n")])


WHILE_YOUNG = (
    CARELESS
    + """

import time as _time

_careless, _space = rebalance_experts, {{}}
exec({careful!r}, _space)


def rebalance_experts(*call):
    return (_space["rebalance_experts"] if _time.time() < {until} else _careless)(*call)
"""
)


@pytest.mark.long
def test_what_is_good_for_a_while_alone_is_not_confirmed(tmp_path, monkeypatch, small_stratum, small_settings):
    """The held-out part is asked about while the clock runs: who is careless there, by the hour, is so here."""
    parts = {name: (small_stratum(windows=3, seeds=seeds),) for name, seeds in PARTS.items()}
    settings = small_settings(**parts, timing=TimingSettings(rounds=4, min_rounds=4, seconds=1.0))
    monkeypatch.setattr("evaluator.candidates.judging.timed.CHANCE", 8.0)  # the other check is not what is tried here
    with Judge(Program("careless", CARELESS), settings, Store(tmp_path, ARROW)) as judge:
        judge.try_parent()
        until = time.time() + 60

        def later(*given, **more):
            time.sleep(max(0.0, until - time.time()))
            return time_beside(*given, **more)

        monkeypatch.setattr(judging, "time_beside", later)
        sly = Program("sly", WHILE_YOUNG.format(until=until, careful=PARENT))
        row, honest = (judge.judge([one])[one.key] for one in (sly, Program("careful", PARENT)))
    assert [row["verdict"], row["confirmed"]] == [BETTER, False]
    assert [honest["verdict"], honest["confirmed"]] == [BETTER, True]
    assert [row["held_out_traces"], honest["held_out_traces"]] == [12, 12]
