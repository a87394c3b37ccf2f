"""Orders are measured over compositions that differ, judged as the results' columns are."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import EplbError, Topology, load_variant
from evaluator.bench.compositions import balances, composed, compositions, cuts, machine_for, recordings
from evaluator.quality.replay import replay
from evaluator.workloads.shipped import shipped_recordings
from evaluator.workloads.synthetic import Synthetic

WINDOWS = Synthetic(num_layers=3, num_experts=32, top_k=2, tokens=3000, windows=5, requests=10).make(0).windows(1)
MACHINE = machine_for(32)


def test_there_are_thirty_or_more_and_each_has_a_name_of_its_own():
    names = [variant.name for variant in compositions()]
    assert len(set(names)) == len(names) >= 30


def test_without_anything_changed_it_is_deepseek():
    ours, theirs = (variant.place(WINDOWS[0], MACHINE) for variant in (composed("last"), load_variant("deepseek")))
    np.testing.assert_array_equal(ours.phy2log, theirs.phy2log)


@pytest.mark.parametrize("forecaster", ["last", "mean of 4"])
def test_balances_are_those_of_a_run(forecaster):
    variant = composed(forecaster)
    found, rows = balances(variant, WINDOWS, MACHINE), list(replay(variant, WINDOWS, MACHINE))
    np.testing.assert_allclose(found.own_W, [row["balancedness_gpu_own"] for row in rows])
    np.testing.assert_allclose(found.next_W, [row["balancedness_gpu_next"] for row in rows[:-1]])


@pytest.mark.parametrize(
    ("experts", "machine"),
    [(256, (288, 8, 4, 32)), (64, (72, 8, 2, 8)), (60, (72, 1, 1, 8)), (8, (16, 8, 2, 8))],
)
def test_a_machine_has_an_eighth_more_slots_than_experts(experts, machine):
    assert machine_for(experts) == Topology(*machine)
    machine_for(experts).check_experts(experts)


def test_recordings_are_those_named_or_those_that_ship_and_those_of_the_folder(tmp_path, monkeypatch):
    np.savez(tmp_path / "a.npz", counts=WINDOWS)
    np.savez(tmp_path / "b.npz", other=WINDOWS)
    monkeypatch.delenv("EPLB_LAB_EXTRA_DATA", raising=False)
    ours = shipped_recordings()["byte_moe"]
    assert recordings() == [ours]
    monkeypatch.setenv("EPLB_LAB_EXTRA_DATA", str(tmp_path))
    assert recordings() == [ours, tmp_path / "a.npz"]
    assert recordings([str(tmp_path / "b.npz")]) == [tmp_path / "b.npz"]
    assert recordings(["byte_moe"]) == [ours]
    with pytest.raises(EplbError, match="no recording in 'no.npz'"):
        recordings(["no.npz"])


def test_a_recording_without_jumps_is_cut_into_windows_alone_and_a_last_shorter_one_is_dropped():
    ((how, (windows,)),) = cuts(WINDOWS, [2, 4], 2)
    assert how == "whole, 2 steps", "of four steps there is one window only"
    np.testing.assert_array_equal(windows, WINDOWS[:4].reshape(2, 2, 3, 32).sum(axis=1))


def test_a_recording_with_jumps_is_cut_at_them_too():
    draw = np.random.default_rng(0)
    tasks = draw.gamma(0.5, size=(2, 1, 3, 32)) * 1000
    steps = np.concatenate([draw.poisson(np.repeat(task, 12, axis=0)) for task in tasks])
    found = dict(cuts(steps, [2], 2))
    assert [len(part) for part in found["whole, 2 steps"]] == [12]
    assert [len(part) for part in found["within tasks, 2 steps"]] == [6, 6]
