"""Hydra's own application: the flags that its users expect, and studies that it runs by itself."""

from __future__ import annotations

import sys

import pandas as pd
import pytest
import yaml

from evaluator.__main__ import evaluate
from evaluator.config.application import application
from evaluator.config.unofficial import outside

FEW = ["variant=seed", "topology.num_gpus=16,32", "workload=quick", "seed=0,1"]


@pytest.fixture
def plain(monkeypatch, tmp_path, capfd):
    """Return a function that runs the plain Hydra application, and returns what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, task=evaluate):
        monkeypatch.setattr(sys, "argv", ["eplb", *arguments])
        with outside():
            application(task)()
        return capfd.readouterr().out

    return run


def test_a_configuration_is_shown(plain):
    assert yaml.safe_load(plain("--cfg", "job", "variant=seed"))["variant"]["name"] == "seed"
    assert "name: eplb" in plain("--cfg", "hydra")


def test_hydras_own_sweeper_runs_a_ready_study(plain):
    """The axes of its file are swept, those on the command line take their place, and a job is one point."""
    jobs = []
    plain("-m", "experiment=gpus", *FEW, task=lambda overrides, folders: jobs.append(sorted(overrides)))
    assert len(jobs) == 4
    assert all({"variant=seed", "workload=quick", "experiment=gpus"} <= set(job) for job in jobs)
    assert {word for job in jobs for word in job if word.startswith("seed=")} == {"seed=0", "seed=1"}


@pytest.mark.long
def test_a_job_of_a_study_is_measured(plain, small, tmp_path):
    plain("-m", "experiment=gpus", *FEW[:3], "seed=0", *small)
    frame = pd.read_parquet(tmp_path / "runs" / "gpus")
    assert set(frame["num_gpus"]) == {16, 32}
    assert set(frame["variant"]) == {"seed", "deepseek"}


def test_eplb_evaluate_shows_what_hydra_does(eplb, tmp_path):
    shown = eplb("evaluate", "--cfg", "job", "variant=seed", "variant.threads=2", check=0)
    assert yaml.safe_load(shown.stdout)["variant"]["threads"] == 2
    part = eplb("evaluate", "--cfg", "all", "--resolve", "-p", "hydra.run", check=0)
    assert "dir: runs/.hydra/" in part.stdout, "references are resolved"
    study = eplb("evaluate", "--cfg", "hydra", "-p", "hydra.sweeper.params", "experiment=gpus", check=0)
    assert "topology.num_gpus: 8,16,32,72,144" in study.stdout
    (tmp_path / "own" / "topology").mkdir(parents=True)
    found = eplb("evaluate", "--info", "searchpath", "--config-dir", "own", check=0)
    assert f"file://{tmp_path}/own" in found.stdout
    assert "pkg://evaluator.conf" in found.stdout
    assert not (tmp_path / "runs").exists(), "nothing is run"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--cfg", "job", "varient=seed"], "no group or key 'varient': did you mean 'variant'"),
        (["--cfg", "job", "variant.threads=2.7"], "variant.threads=2.7 is not valid"),
        (["--cfg", "job", "seed=0,1"], "add -m"),
        (["--cfg", "job", "-m"], "--cfg and --info show one configuration"),
        (["--cfg", "job", "--info"], "--cfg and --info show one configuration"),
        (["--cfg", "job", "-p", "no.such"], "Hydra cannot show this with --cfg job --package no.such"),
        (["--resolve"], "add --cfg job"),
        (["--info", "config", "--config-dir", "no"], "there is no folder 'no'"),
    ],
)
def test_a_mistake_is_one_sentence(eplb, arguments, says):
    done = eplb("evaluate", *arguments, check=2)
    assert says in done.stderr
    assert done.stderr.count("eplb: ") == 1
