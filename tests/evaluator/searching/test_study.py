"""A search goes on where it was left, whoever is killed, and its front is a set of variants that run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from optuna.trial import TrialState

from eplb_variants import EplbError, load_variant, variant_names
from evaluator.cli.main import main
from evaluator.quality.replay import replay
from evaluator.searching.measuring import How, LeavesNode, TooSlow, measured
from evaluator.searching.study import (
    COMPOSITION,
    OnFront,
    Search,
    _is_no_worse,
    ended_of,
    front_of,
    held_out_worth,
    opened,
    run,
    shipped_beside,
    write_variants,
)
from evaluator.sweep.plan import make_plan

SMALL = ("workload=quick", "workload.num_layers=2", "workload.windows=4")


@pytest.fixture
def search(tmp_path, monkeypatch):
    """Return a small search, whose overrides keep their runs in a folder of the test."""
    monkeypatch.chdir(tmp_path)
    return Search(tmp_path / "search.db", SMALL, traces=2, held_out=6)


def test_what_a_variant_is_worth_is_what_an_evaluation_says(search):
    variant, strata = load_variant("lab_best"), search.settings.training
    worth = measured(variant, load_variant("deepseek"), strata, How())
    rows = [list(replay(variant, windows, strata[0].topology)) for windows in strata[0].traces]
    expected = [[row["balancedness_gpu_next"] for row in trace[:-1]] for trace in rows]
    np.testing.assert_allclose(worth.next[0], expected)
    assert worth.moved == pytest.approx(np.mean([[row["moved_slots"] for row in trace[1:-1]] for trace in rows]))
    assert worth.mean == pytest.approx(np.mean(expected))
    assert worth.seconds > 1
    split = measured(variant, load_variant("deepseek"), strata, How(by_load=True))
    assert split.mean == pytest.approx(
        np.mean([[row["balancedness_gpu_dispatch_next"] for row in trace[:-1]] for trace in rows])
    )


def test_what_leaves_its_node_or_takes_too_long_is_no_variant(search):
    strata, reference = search.settings.training, load_variant("deepseek")
    with pytest.raises(LeavesNode):
        measured(load_variant("lab_flex"), reference, strata, How())
    assert measured(load_variant("lab_flex"), reference, strata, How(any_node=True)).mean > 0.5
    with pytest.raises(TooSlow, match="and 1e-09 s are the most"):
        measured(load_variant("lab_best"), reference, strata, How(1e-9))


@pytest.mark.long
def test_a_search_goes_on_where_it_was_left_and_keeps_what_is_not_dominated(search):
    search = Search(**{**vars(search), "any_node": True})
    run(search, 6, workers=2)
    assert 6 <= ended_of(opened(search)) <= 7
    run(search, 10)
    assert 10 <= ended_of(opened(search)) <= 11
    members = front_of(search)
    assert members
    for one in members:
        for other in members:
            worse = [one.values[0] < other.values[0], one.values[1] > other.values[1], one.values[2] > other.values[2]]
            same = one.values == other.values
            assert one is other or same or not all(worse)
    base, worths = held_out_worth(search, members[:2])
    assert [len(stratum) for stratum in base.next] == [6]
    assert len(worths) == min(2, len(members))


@pytest.mark.long
def test_a_search_from_the_shipped_variants_contains_or_dominates_each(search):
    """On the training part: each that can be composed was tried, so the front has it or something no worse."""
    from_shipped = Search(**{**vars(search), "start": "shipped"})
    run(from_shipped, 20, workers=2)
    trials = [trial for trial in opened(from_shipped).trials if trial.values]
    front = front_of(from_shipped)
    assert len(trials) >= 8
    for trial in trials:
        assert any(
            one.values[0] >= trial.values[0] and one.values[1] <= trial.values[1] and one.values[2] <= trial.values[2]
            for one in front
        )


@pytest.mark.long
def test_a_search_from_the_floors_tries_them_first(search):
    from_floors = Search(**{**vars(search), "start": "floors"})
    run(from_floors, 4)
    first = [trial.user_attrs[COMPOSITION]["placer"]["name"] for trial in opened(from_floors).trials[:3]]
    assert first == ["contiguous", "random", "round_robin"]


def test_the_shipped_variants_stand_beside_a_front_with_what_is_no_worse_than_them(search):
    best = OnFront(1, {}, (1.0, 0.0, 0.0))
    found = {one.name: one for one in shipped_beside(search, [best])}
    assert set(found) == set(variant_names())
    assert found["lab_flex"].values is None
    assert "not on one node" in found["lab_flex"].why
    assert all(one.by is best for one in found.values() if one.values)
    balance, seconds, moved = found["deepseek"].values
    assert seconds == pytest.approx(1, rel=0.5)
    cases = {
        (balance, seconds * 1.04, moved): True,
        (balance, seconds * 1.2, moved): False,
        (balance - 1e-6, 0.1, 0.0): False,
        (1.0, 0.1, moved + 1e-6): False,
    }
    for values, no_worse in cases.items():
        assert _is_no_worse(values, found["deepseek"].values) == no_worse


def test_a_trial_whose_worker_was_killed_does_not_stay_running(search, monkeypatch):
    monkeypatch.setattr("evaluator.searching.study.ALIVE_SECONDS", 1)
    monkeypatch.setattr("evaluator.searching.study.GONE_SECONDS", 1)
    killed = opened(search)
    with pytest.warns(UserWarning, match="Heartbeat"):
        left = killed.ask()
    killed._storage.record_heartbeat(left._trial_id)
    time.sleep(2.1)  # longer than it may be silent
    study = opened(search)
    study.optimize(lambda trial: (0.0, 0.0, 0.0), n_trials=1)
    assert study.trials[left.number].state is TrialState.FAIL
    assert ended_of(study) == 1


@pytest.mark.long
def test_a_search_that_is_killed_loses_the_trials_that_were_running_and_no_more(search):
    search = Search(search.file, SMALL)  # as the command makes it
    command = [sys.executable, "-m", "evaluator.cli.main", "search", *SMALL, "--file", str(search.file)]
    child = subprocess.Popen([*command, "--trials", "1000"], stderr=subprocess.DEVNULL, start_new_session=True)
    study = None
    while study is None or ended_of(study) < 3:
        time.sleep(0.3)
        study = opened(search) if search.file.exists() and search.file.stat().st_size else None
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    before = ended_of(opened(search))
    done = subprocess.run([*command, "--trials", str(before + 2), "--no-held-out", "--json"], capture_output=True)
    assert done.returncode == 0, done.stderr
    assert before + 2 <= ended_of(opened(search)) <= before + 3
    assert json.loads(done.stdout)["reference"] == "deepseek"


def test_a_study_of_something_else_or_no_study_is_a_sentence(search, tmp_path):
    opened(search)
    with pytest.raises(EplbError, match="is of a search on something else"):
        opened(Search(**{**vars(search), "by_load": True}))
    (tmp_path / "no.db").write_text("no database, but a text that is long enough to be read as one" * 20)
    with pytest.raises(EplbError, match="cannot be used as a study"):
        opened(Search(tmp_path / "no.db", SMALL))


def test_the_front_is_written_as_variants_that_evaluate_finds(tmp_path):
    staged = {
        **{
            "forecaster": {"name": "exponential", "alpha": 0.2, "windows": 4},
            "group_packer": {"name": "exact", "most": 9},
        },
        **{
            "replicator": {"name": "divisor", "offset": 0.1},
            "fixup": {"name": "none"},
            "gpu_packer": {"name": "serpentine"},
        },
        **{"refiner": {"name": "none"}, "aligner": {"name": "bounded", "max_moves": 0.2, "price": 0.0}},
    }
    whole = {"forecaster": {"name": "last"}, "placer": {"name": "hot_ring", "theta": 0.4}}
    files = write_variants([OnFront(7, staged, (0.9, 1.0, 0.5)), OnFront(12, whole, (0.8, 1.0, 0.5))], tmp_path)
    assert [file.name for file in files] == ["found_0007.yaml", "found_0012.yaml"]
    for name, meant in (("found_0007", staged), ("found_0012", whole)):
        cells = make_plan([f"variant={name}", "measure=quality"], config_dirs=[str(tmp_path)]).cells
        (cell,) = (cell for cell in cells if cell.variant.name == name)
        assert {step: cell.variant.config[step] for step in meant} == meant


@pytest.mark.long
def test_the_command_shows_the_front_in_both_parts(search, tmp_path, capsys):
    words = [
        "search",
        *SMALL,
        "--from",
        "shipped",
        "--beside-shipped",
        "--trials",
        "4",
        "--file",
        "other.db",
        "--out",
        "found",
    ]
    assert main(words) == 0
    said = capsys.readouterr()
    assert "other.db, 4 trials" in said.out
    assert "held out: next on traces that the search has not seen" in said.out
    assert "shipped variant" in said.out
    assert "variants in found/variant" in said.err
    assert list((tmp_path / "found" / "variant").glob("found_*.yaml"))
    assert main(["search", "--trials", "-1"]) == 2
    assert main(["search", "--place-seconds", "0"]) == 2
    assert main(["search", "workload=quik", "--file", "x.db"]) == 2
    errors = capsys.readouterr().err
    assert "--trials is -1" in errors
    assert "--place-seconds is 0.0" in errors
    assert "quik" in errors
