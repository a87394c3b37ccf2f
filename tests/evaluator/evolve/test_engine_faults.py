"""What becomes of an engine's search when something breaks: the scorer, an evaluator, the engine, a checkpoint."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from evaluator.candidates.program import example_program
from evaluator.evolve.starting import write_folder
from evaluator.evolve.study import create_study, key_of

from .conftest import SMALL, edited, end_scorers_of, scorers_of
from .engines import (
    assert_told_as_recorded,
    python_of,
    recorded,
    searched,
    started,
    stored_by,
    ten_iterations,
)
from .model import REPLIES, replaying

pytestmark = pytest.mark.long
BY_DIFFS = ["openevolve", "shinka", "skydiscover"]


def ask_in_time(study, source):
    """Have the study's scorer judge a program, however long that takes."""
    asks = "import sys; sys.path.append(sys.argv[1]); import eplb_client as c; c.judged(sys.argv[2], seconds=600)"
    with tempfile.TemporaryDirectory() as folder:
        write_folder("openevolve", Path(folder) / "asks", study)
        subprocess.run([sys.executable, "-I", "-c", asks, str(Path(folder) / "asks"), source], check=True)


def numbered(replies, happens):
    """Return replies that do something beside: ``happens`` maps the number of a question, from 1, to a function."""
    asked = []

    def replying(number, reply):
        def reply_to(_):
            asked.append(number)
            happens.get(len(asked), lambda: None)()
            return reply

        return reply_to

    return [replying(number, reply) for number, reply in enumerate(replies)]


def killed_soon(study, killed):
    """Return what kills the study's scorer a moment later, when a program is being judged."""

    def kill():
        for process in scorers_of(study):
            killed.append(process)
            os.kill(process, signal.SIGKILL)

    return lambda: threading.Timer(0.3, kill).start()


def lines_of(study):
    return [json.loads(line) for line in (study.folder / "record.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("engine", BY_DIFFS)
def test_a_scorer_that_is_killed_again_and_again_costs_a_search_nothing(engine, study, tmp_path):
    words, environment, replies = ten_iterations(engine)
    killed = []
    kill = killed_soon(study, killed)
    searched(
        engine, study, tmp_path / "search", numbered(replies, dict.fromkeys((2, 5, 8), kill)), *words, **environment
    )
    assert len(set(killed)) >= 2
    stored = stored_by(engine, tmp_path / "search")
    assert_told_as_recorded(study, stored)
    assert all(line["answer"]["kind"] == "judged" for line in lines_of(study) if "answer" in line)
    assert scorers_of(study) == []


@pytest.mark.parametrize("engine", BY_DIFFS)
def test_a_scorer_that_hangs_gives_no_program_a_score(engine, tmp_path):
    """It is stopped until the deadline is over: what was asked meanwhile has no score, and the search goes on.

    Before the search it is started, which takes as long as the machine is busy.
    """
    study = create_study(tmp_path / "study", example_program().source, SMALL, traces=4, seconds=12.0, idle_seconds=60.0)
    ask_in_time(study, edited("worse"))

    def stop():
        for process in scorers_of(study):
            os.kill(process, signal.SIGSTOP)

            def go_on(process=process):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)

            threading.Timer(20.0, go_on).start()

    words, environment, replies = ten_iterations(engine)
    searched(engine, study, tmp_path / "search", numbered(replies, {4: stop}), *words, **environment)
    known = recorded(study)
    stored = stored_by(engine, tmp_path / "search")
    assert len(stored) >= 3
    for code, score in stored:
        answer = known.get(key_of(code))
        if answer is not None and answer["kind"] == "judged" and score is not None:
            is_scored = score == pytest.approx(answer["combined_score"], abs=1e-12)
            assert is_scored or not answer["correct"] or not score, (score, answer)
    end_scorers_of(study)


def test_an_evaluator_that_is_killed_is_an_incorrect_program_and_leaves_nothing_running(study, tmp_path):
    """ShinkaEvolve runs a process for each program."""
    folder = tmp_path / "search"
    killed = []

    def kill():
        found = subprocess.run(["ps", "-ewwo", "pid,args"], capture_output=True, text=True, check=True).stdout
        for line in found.splitlines():
            if "evaluate.py" in line and str(folder) in line and "--results_dir" in line:
                killed.append(int(line.split()[0]))
                os.kill(killed[-1], signal.SIGKILL)

    def kill_soon():
        for seconds in (0.2, 0.4, 0.6, 0.8):
            threading.Timer(seconds, kill).start()

    words, environment, replies = ten_iterations("shinka")
    searched("shinka", study, folder, numbered(replies, {3: kill_soon}), *words, **environment)
    assert killed
    stored = stored_by("shinka", folder)
    known = recorded(study)
    told = [(code, score) for code, score in stored if key_of(code) in known and score]
    assert len(told) >= 3
    assert all(score == pytest.approx(known[key_of(code)]["combined_score"], abs=1e-12) for code, score in told)
    left = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(study.folder) not in left


def test_an_engine_that_is_killed_goes_on_from_its_checkpoint_and_nothing_is_judged_twice(study, tmp_path):
    folder = tmp_path / "search"
    with replaying(REPLIES) as address:
        write_folder("openevolve", folder, study, model="fake", api_base=address)
        engine = subprocess.Popen(
            ["sh", folder / "run.sh", "--iterations", "100"],
            env={**os.environ, "PYTHON": python_of("openevolve"), "OPENAI_API_KEY": "none"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        checkpoint = folder / "output" / "checkpoints" / "checkpoint_10"
        began = time.monotonic()
        while not (checkpoint / "metadata.json").exists():
            assert engine.poll() is None
            assert time.monotonic() - began < 300
            time.sleep(0.2)
        os.killpg(engine.pid, signal.SIGKILL)
        engine.wait()
        before = {line["program"] for line in lines_of(study)}
        done = started("openevolve", folder, "--iterations", "10", "--checkpoint", str(checkpoint))
    assert done.returncode == 0, done.stderr[-3000:]
    end_scorers_of(study)
    answers = [json.loads(file.read_text()) for file in (study.folder / "known").iterdir()]
    assert len(answers) >= 10
    assert all(answer["tries"] == 1 for answer in answers if answer["verdict"] != "timed out")
    assert before <= {line["program"] for line in lines_of(study)}
    assert_told_as_recorded(study, stored_by("openevolve", folder))


def test_a_checkpoint_that_is_not_there_is_said_before_anything_is_searched(study, tmp_path):
    folder = tmp_path / "search"
    with replaying(REPLIES) as address:
        write_folder("openevolve", folder, study, model="fake", api_base=address)
        done = started("openevolve", folder, "--iterations", "10", "--checkpoint", str(tmp_path / "nowhere"))
    assert done.returncode != 0
    assert "nowhere" in done.stdout + done.stderr
    assert len(lines_of(study)) == 1, "the seed program alone was asked about"
