"""The file that goes into an engine's folder: it finds, starts and survives the scorer, with nothing but Python."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from evaluator.evolve.answers import LATE, REFUSED
from evaluator.evolve.keeping import record_of
from evaluator.evolve.reporting import history_of
from evaluator.evolve.scorer import Question, Scorer, Turns
from evaluator.evolve.starting import write_folder
from evaluator.evolve.study import key_of, normalised

from .conftest import edited, end_scorers_of, scorers_of


@pytest.fixture
def client(study, tmp_path):
    """Return the client of a folder, as an engine imports it."""
    write_folder("openevolve", tmp_path / "search", study)
    spec = importlib.util.spec_from_file_location("eplb_client", tmp_path / "search" / "eplb_client.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    end_scorers_of(study)
    for started in module.STARTED:
        started.wait()


def recorded(study):
    return [json.loads(line) for line in (study.folder / "record.jsonl").read_text().splitlines()]


def test_it_knows_a_program_by_the_same_name_as_the_study(client):
    for source in ("x = 1", "x = 1\n\n", "x = 1\r\ny = 2\r", "# \N{GREEK SMALL LETTER ALPHA}\n", "# \udcff\n"):
        assert client.normalised(source) == normalised(source)
        path = os.path.join(client.STUDY, "known", f"{key_of(source)}.json")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"verdict": "worse", "tries": 1, "program": source.encode("ascii", "replace").decode()}, file)
        assert client.known(source) is not None


@pytest.mark.long
def test_it_needs_nothing_but_the_standard_library(client):
    done = subprocess.run([sys.executable, "-I", "-S", client.__file__], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("eplb: the seed program scores 0.")


def test_a_scorer_is_started_once_whoever_asks_and_what_is_known_needs_none(client, study):
    sources = [edited(what) for what in ("worse", "raises", "no Python", "without effect")]
    answers = [None] * 8
    threads = [
        threading.Thread(target=lambda n=n: answers.__setitem__(n, client.score(sources[n % 4]))) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer["verdict"] for answer in answers[:4]] == ["worse", "invalid", "invalid", "identical placements"]
    assert [answer["combined_score"] for answer in answers[:4]] == [a["combined_score"] for a in answers[4:]]
    (scorer,) = scorers_of(study)
    os.kill(scorer, signal.SIGKILL)
    assert client.score(sources[0])["combined_score"] == answers[0]["combined_score"]
    assert scorers_of(study) == [], "what is known is read"
    assert recorded(study)[-1]["known"] is True


@pytest.mark.long
def test_a_scorer_that_is_killed_loses_nothing_and_is_followed_by_another(client, study):
    assert client.score(study.seed_program)["kind"] == "judged"
    (scorer,) = scorers_of(study)
    killing = threading.Timer(0.2, os.kill, (scorer, signal.SIGKILL))
    killing.start()
    answer = client.judged(edited("worse"))
    killing.join()
    assert answer["verdict"] == "worse"
    assert scorer not in scorers_of(study)
    verdicts = [line["answer"]["verdict"] for line in recorded(study) if "answer" in line]
    assert verdicts == ["identical placements", "worse"]


@pytest.mark.long
def test_a_caller_that_is_killed_costs_nothing(client, study):
    assert client.score(study.seed_program)["kind"] == "judged"
    code = "import sys; sys.path.insert(0, sys.argv[1]); import eplb_client as c; c.score(open(sys.argv[2]).read())"
    program = study.folder.parent / "worse.py"
    program.write_text(edited("worse"))
    folder = os.path.dirname(client.__file__)
    caller = subprocess.Popen([sys.executable, "-I", "-c", code, folder, str(program)])
    time.sleep(0.3)
    caller.kill()
    caller.wait()
    assert client.score(edited("worse"))["verdict"] == "worse"
    assert len(scorers_of(study)) == 1


@pytest.mark.long
def test_where_no_scorer_can_be_started_a_process_of_its_own_judges(client, monkeypatch):
    monkeypatch.setattr(client, "_start", lambda: False)
    assert client.score(edited("raises"))["verdict"] == "invalid"


@pytest.mark.long
def test_what_is_not_there_by_the_deadline_is_late_has_no_score_and_is_found_later(client, study):
    answer = client.score(edited("worse"), seconds=0.5)
    assert answer["kind"] in (LATE, "lost")
    assert "combined_score" not in answer
    with pytest.raises(client.HarnessFailed, match="could not judge"):
        client.judged(edited("worse"), seconds=0.01)
    assert client.judged(edited("worse"))["verdict"] == "worse"


def test_what_is_late_is_on_record(study):
    question = json.dumps({"source": "x = 1\n", "engine": "an_engine", "seconds": 0.01}).encode() + b"\n"
    assert Scorer(study)._answer_to(question)["kind"] == LATE  # nobody judges
    (line,) = record_of(study.folder)
    assert (line["source"], line["engine"], line["answer"]["kind"]) == ("x = 1\n", "an_engine", LATE)
    assert history_of(study).failures == {LATE: 1}


def test_a_seed_program_that_cannot_be_judged_stops_the_search_with_a_sentence(client, study):
    (study.folder / "seed.py").write_text("def rebalance_experts(*_): return None\n")
    done = subprocess.run([sys.executable, client.__file__], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("eplb: the search is not started: eplb could not judge (unusable): the parent")
    assert done.stderr.count("\n") == 1


def test_callers_take_turns():
    turns = Turns()
    for caller, number in (("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5), ("b", 6)):
        turns.put(Question(str(number), {}, 0.0, caller))
    assert [turns.take().source for _ in range(6)] == ["1", "4", "5", "2", "6", "3"]
    turns.close()
    assert turns.take() is None


@pytest.mark.parametrize("shown", [0o755, 0o777])
def test_whoever_makes_the_folder_of_the_socket_first_is_not_asked(client, study, shown):
    """The name is known before the scorer is there; what is not this user's alone may be anybody's."""
    folder = os.path.dirname(client.SETTINGS["socket"])
    os.mkdir(folder)
    os.chmod(folder, shown)
    asked = []

    def answer(listener):
        with contextlib.suppress(OSError):
            while True:
                with listener.accept()[0] as caller:
                    asked.append(caller.recv(1 << 20))

    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(client.SETTINGS["socket"])
            listener.listen()
            answering = threading.Thread(target=answer, args=(listener,))
            answering.start()
            with socket.socket(socket.AF_UNIX) as connection, pytest.raises(PermissionError):
                client._connect(connection)
            os.chmod(folder, 0o700)
            with socket.socket(socket.AF_UNIX) as connection:
                client._connect(connection)  # what is this user's alone is asked
            listener.shutdown(socket.SHUT_RDWR)
            answering.join()
            assert not any(asked)
    finally:
        shutil.rmtree(folder)


def test_a_link_in_the_place_of_the_folder_is_not_followed(client, tmp_path):
    folder = os.path.dirname(client.SETTINGS["socket"])
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    os.symlink(tmp_path / "elsewhere", folder)
    try:
        with socket.socket(socket.AF_UNIX) as connection, pytest.raises(PermissionError):
            client._connect(connection)
    finally:
        os.unlink(folder)


@pytest.mark.parametrize(
    "line",
    [
        b"no JSON\n",
        b"[]\n",
        b"{}\n",
        b'{"source": "x", "seconds": "soon"}\n',
        b'{"source": "x", "seconds": NaN}\n',
        b'{"source": "x", "seconds": 1' + 400 * b"0" + b"}\n",
        b"[" * 200_000 + b"\n",
    ],
    ids=lambda line: line[:20].decode(),
)
def test_a_question_that_cannot_be_read_is_refused(study, line):
    assert Scorer(study)._answer_to(line)["kind"] == REFUSED
