"""The command as a user runs it: in a process of its own, in an empty folder."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from evaluator.cli.main import COMMANDS, main

SMALL = ["workload.num_layers=3", "workload.windows=7", "timing.rounds=3", "timing.min_rounds=3"]


def test_evaluate_then_compare(eplb, tmp_path):
    done = eplb("evaluate", "-m", "variant=deepseek,seed", *SMALL, check=0)
    assert "dsr1_decode[num_layers=3,windows=7] on adrs" in done.stdout
    assert "2 cells measured, 2 timed, 0 were there already" in done.stdout
    assert "next: eplb compare runs/default" in done.stdout
    assert done.stderr == ""
    assert len(pd.read_parquet(tmp_path / "runs" / "default")) == 2 * 7

    compared = eplb("compare", "runs/default", "--reference", "seed", "--out", "here", check=0)
    assert "vs seed" in compared.stdout
    assert (tmp_path / "here" / "balancedness.png").exists()

    again = eplb("evaluate", "-m", "variant=deepseek,seed", *SMALL, check=0)
    assert "0 cells measured, 0 timed, 2 were there already" in again.stdout
    assert pd.read_parquet(tmp_path / "runs" / "default").shape[0] == 2 * 7


@pytest.mark.parametrize(
    ("command", "code"), [("evaluate measure=quality workload.num_layers=2 workload.windows=2", 0), ("score no.txt", 2)]
)
def test_a_first_use_says_that_kernels_are_compiled(command, code, tmp_path, monkeypatch, capsys):
    """One line before it begins; ``test_evaluate_then_compare`` holds that nothing is said where they are kept."""
    from eplb_variants.kernels import ahead

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ahead, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(ahead, "import_all", lambda **_: None)
    assert main(command.split()) == code
    first, *others = capsys.readouterr().err.splitlines()
    assert first.startswith("eplb: compiling ")
    assert "usually takes" in first
    assert not any("compiling" in line for line in others)


def test_more_memory_than_there_is_is_a_sentence(monkeypatch, capsys):
    def too_large(options):
        raise np._core._exceptions._ArrayMemoryError((10**8, 256), np.dtype("float64"))

    monkeypatch.setattr("evaluator.cli.runs.run", too_large)
    assert main(["runs"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("eplb: there is not enough memory for this: Unable to allocate 191. GiB")


def test_json_is_one_document_on_stdout(eplb):
    done = eplb("evaluate", "variant=seed", "measure=quality", "--json", *SMALL, check=0)
    document = json.loads(done.stdout)
    (table,) = document["summaries"].values()
    assert table["reference"] == "deepseek"
    assert {row["variant"] for row in table["variants"]} == {"seed", "deepseek"}
    assert document["measured"] == 2
    assert "cells measured" in done.stderr


def test_a_recording_is_evaluated(eplb, tmp_path):
    import numpy as np

    counts = np.random.default_rng(0).integers(0, 99, (40, 2, 16))
    np.savez(tmp_path / "mine.npz", counts=counts)
    done = eplb(
        "evaluate",
        "workload=recorded",
        "workload.path=mine.npz",
        "workload.interval=4",
        "topology.num_slots=24",
        "topology.num_groups=4",
        "topology.num_nodes=2",
        "topology.num_gpus=4",
        "measure=quality",
        check=0,
    )
    assert "mine[interval=4] on slots24_groups4_nodes2_gpus4" in done.stdout
    assert "mean of 9 windows" in done.stdout
    assert done.stderr == (
        "eplb: read 'mine.npz', a canonical .npz with an array 'counts': 40 steps, 2 layers, 16 experts; "
        "10 windows of 4 steps\n"
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["evaluate", "variant=sed"], "did you mean 'seed'"),
        (["evaluate", "seed=0,1"], "add -m"),
        (["evaluate", "workload=recorded", "workload.path=no.npz"], "there is no workload in 'no.npz'"),
        (["evaluate", "topology=vllm_qwen30b", "workload.windows=3"], "too few for 256 logical experts"),
        (["evaluate", "--config-dir", "no"], "there is no folder 'no'"),
        (["evaluate", "varient=seed"], "no group or key 'varient': did you mean 'variant'"),
        (["evaluate", "-m", "+experiment=slots"], "write experiment=slots without the plus and with -m"),
        (["evaluate", "~workload"], "removes workload, which is always needed: choose another with workload=NAME"),
        (["evaluate", "-m", "variant=seed,deepseek", r"hydra.sweeper.params.seed=0\,1"], "write seed=0,1, with -m"),
        (["evaluate", "run=x.parquet"], "run is 'x.parquet': a name that ends in"),
        (["compare", "runs/nothing"], "no run folder"),
        (["list", "varants"], "invalid choice: 'varants'"),
        (["selftest", "--variant", "sed", "--runs", "1"], "did you mean 'seed'"),
        (["evalute"], "invalid choice: 'evalute'"),
        ([], ""),
    ],
)
def test_a_mistake_is_a_sentence_and_exit_code_2(eplb, arguments, says):
    done = eplb(*arguments, check=2)
    assert says in done.stderr


def test_a_folder_of_runs_is_not_a_run(eplb):
    eplb("evaluate", "run=mine", "measure=quality", *SMALL, check=0)
    done = eplb("compare", "runs", check=2)
    assert (
        done.stderr
        == "eplb: there are no results in 'runs': it holds the runs runs/mine, name one or several of these\n"
    )


def test_a_dry_run_says_what_would_be_done_and_does_nothing(eplb, tmp_path):
    sweep = ["evaluate", "-m", "variant=deepseek,seed", "seed=0,1", *SMALL]
    seen = eplb(*sweep, "--dry-run", check=0)
    assert "variants: deepseek, seed\nworkloads: dsr1_decode[num_layers=3,windows=7]" in seen.stdout
    assert "4 cells: 0 are there already, 4 would be measured, 4 timed" in seen.stdout
    assert not (tmp_path / "runs").exists()
    eplb("evaluate", "variant=deepseek", "measure=quality", *SMALL, check=0)
    assert "4 cells: 0 are there already, 3 would be measured, 4 timed" in eplb(*sweep, "--dry-run", check=0).stdout
    quality = json.loads(eplb(*sweep, "--dry-run", "measure=quality", "--json", check=0).stdout)
    assert (quality["cells"], quality["cached"], quality["to_measure"], quality["to_time"]) == (4, 1, 3, 0)


def test_parts_that_do_not_fit_are_no_crash(eplb):
    done = eplb("evaluate", "variant=seed", "topology.num_groups=12", *SMALL, check=2)
    assert "skipped: seed on" in done.stderr
    assert "256 logical experts do not divide into 12 groups" in done.stderr


@pytest.mark.long
def test_a_failing_variant_is_exit_code_3(eplb, tmp_path):
    """A stage of someone's own that crashes: the cell is recorded, the code says so."""
    (tmp_path / "conf" / "variant").mkdir(parents=True)
    (tmp_path / "conf" / "variant" / "odd.yaml").write_text(
        "defaults:\n  - /stage/forecaster@forecaster: last\n  - /stage/placer@placer: odd\n  - _self_\nname: odd\n"
    )
    code = "import sys; from eplb_variants import register; from evaluator.cli.main import main\n"
    code += "@register('placer', 'odd', 'crashes')\ndef odd(load, topology, previous): return 1 / 0\n"
    code += "sys.exit(main(sys.argv[1:]))"
    arguments = ["evaluate", "variant=odd", "--config-dir", "conf", *SMALL]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stderr
    assert "failed: odd on" in done.stderr
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert "the same command again runs only what failed" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("topic", [None, "variants", "stages", "workloads", "topologies", "scores", "experiments"])
def test_list_shows_a_name_and_a_line_each(eplb, topic):
    done = eplb(*(["list"] if topic is None else ["list", topic]), check=0)
    lines = [line for line in done.stdout.splitlines() if line.startswith("  ")]
    assert len(lines) >= 2
    assert all(len(line.split(maxsplit=1)) == 2 for line in lines)


def test_help_is_there_for_every_command_and_imports_nothing_heavy(capsys):
    code = "import sys; from evaluator.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print(sorted({'torch', 'pandas', 'matplotlib', 'numpy', 'hydra'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for command in COMMANDS:
        assert command in done.stdout
        with pytest.raises(SystemExit) as caught:
            main([command, "--help"])
        assert caught.value.code == 0
        assert capsys.readouterr().out


@pytest.mark.long
def test_evaluating_does_not_import_torch(tmp_path):
    code = "import sys; from evaluator.cli.main import main; assert main(sys.argv[1:]) == 0\n"
    code += "print('torch' in sys.modules)"
    arguments = ["evaluate", f"runs_dir={tmp_path}", "variant=seed", *SMALL]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("eplb-lab ")


@pytest.mark.long
def test_the_plain_hydra_application(tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "evaluator", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    done = run("-m", "variant=seed,contiguous", "measure=quality", *SMALL)
    assert done.returncode == 0, done.stderr
    assert set(pd.read_parquet(tmp_path / "runs" / "default")["variant"]) == {"seed", "contiguous", "deepseek"}
    assert list((tmp_path / "runs" / ".hydra").iterdir()), "Hydra's own files stay out of the way"
    (tmp_path / "conf" / "variant").mkdir(parents=True)
    (tmp_path / "conf" / "variant" / "mine.yaml").write_text(
        "defaults:\n  - /stage/forecaster@forecaster: last\n  - /stage/placer@placer: random\n  - _self_\nname: mine\n"
    )
    own = run("--config-dir", "conf", "variant=mine", "measure=quality", *SMALL)
    assert own.returncode == 0, own.stderr
    wrong = run("workload.sigma=-1")
    assert wrong.returncode == 2
    assert wrong.stderr == "eplb: workload.sigma is -1.0: it must be 0 or more\n"


def test_a_report_in_a_pipe_that_closes_is_no_error(tmp_path):
    command = f"{sys.executable} -m evaluator.cli.main list | head -1"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("raised", "code", "says"),
    [
        (KeyboardInterrupt(), 130, "the same command goes on from there"),
        (RuntimeError("broken"), 4, "a fault of eplb-lab"),
    ],
)
def test_what_ends_a_command_has_its_exit_code(monkeypatch, capsys, raised, code, says):
    from evaluator.timing import selftest

    def end(*_):
        raise raised

    monkeypatch.setattr(selftest, "compare_with_itself", end)
    assert main(["selftest"]) == code
    assert says in capsys.readouterr().err
