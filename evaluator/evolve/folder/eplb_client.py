"""Asks the scorer of a study what a program is worth; needs nothing but Python's standard library (3.8 or newer).

`eplb evolve init` wrote this file. It looks up what is known, asks the scorer, starts it where there is none, and
falls back to a process of its own. The answer is a dict whose "kind" is "judged" where the program was judged; all
other kinds are failures of the bench, not of the program, and have no score.
"""

import fcntl
import hashlib
import json
import os
import socket
import stat
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "eplb_study.json"), encoding="utf-8") as _file:
    SETTINGS = json.load(_file)
STUDY, PYTHON, SECONDS = SETTINGS["study"], SETTINGS["python"], SETTINGS["seconds"]
LONGEST = 1 << 20  # characters: of a longer source the scorer says that it is, whatever comes then
STARTED = []  # scorers of this process, which outlive it


class HarnessFailed(RuntimeError):
    """The bench could not judge: a failure of its own, not the program's."""


def normalised(source):
    """Return a source with the line ends that it is judged with."""
    return source.replace("\r\n", "\n").replace("\r", "\n").rstrip() + "\n"


def known(source):
    """Return the answer that is known already; None where there is none, or it may be asked once more."""
    key = hashlib.sha256(normalised(source).encode("utf-8", "surrogatepass")).hexdigest()[:20]
    try:
        with open(os.path.join(STUDY, "known", key + ".json"), encoding="utf-8") as file:
            answer = json.load(file)
        return None if answer["verdict"] == "timed out" and answer["tries"] < 2 else answer
    except (OSError, ValueError, KeyError):
        return None


def score(source, engine=SETTINGS["engine"], parent=None, document=None, seconds=SECONDS):
    """Return the answer on a program; never raises but for a folder that is not there."""
    source = source[: LONGEST + 1]
    answer = known(source)
    if answer is not None:
        _record(answer, engine, parent, document)
        return answer
    asked = {"source": source, "engine": engine, "parent": parent, "document": document, "seconds": seconds}
    asked["caller"] = str(os.getpid())
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            return _asked(asked, deadline)
        except (OSError, ValueError):
            pass
        if not _start():
            break
        time.sleep(0.05)
    answer = _cold(source, deadline)
    if answer is None and time.monotonic() >= deadline:
        return {"kind": "late", "message": "no answer within {:g} seconds: ask again".format(seconds)}
    return answer or {"kind": "lost", "message": "the scorer could not be reached"}


def judged(source, seconds=SECONDS, **told):
    """Return the answer on a program that was judged; one that was lost is asked about once more in the time left.

    Raises:
        HarnessFailed: it was not judged.
    """
    began = time.monotonic()
    answer = score(source, seconds=seconds, **told)
    left = seconds - (time.monotonic() - began)
    if answer["kind"] == "lost" and left > 0:
        answer = score(source, seconds=left, **told)
    if answer["kind"] != "judged":
        raise HarnessFailed("eplb could not judge ({}): {}".format(answer["kind"], answer.get("message", "")))
    return answer


def read(path):
    """Return the text of a program's file; what is not UTF-8 in it is judged, and is no program."""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def check_seed():
    """End with a sentence where the seed program itself cannot be judged: a search would go on for nothing."""
    try:
        answer = judged(read(os.path.join(STUDY, "seed.py")))
    except HarnessFailed as error:
        sys.exit("eplb: the search is not started: " + str(error))
    if not answer["correct"]:
        sys.exit("eplb: the search is not started: the seed program is {verdict}: {feedback}".format(**answer))
    print("eplb: the seed program scores {combined_score:.4f}".format(**answer))


def _record(answer, engine, parent, document):
    """Add a line to the study's record: what is known was asked again."""
    line = {"at": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()), "program": answer["program"]}
    line.update(engine=engine, parent=parent, document=document, known=True)
    try:
        with open(os.path.join(STUDY, "record.jsonl"), "a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(json.dumps(line) + "\n")
    except OSError:
        pass


def _connect(connection):
    """Connect to the scorer; OSError where its folder is not this user's alone: anybody may make one of that name."""
    found = os.lstat(os.path.dirname(SETTINGS["socket"]))
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError("the folder of the scorer's socket is somebody else's")
    connection.connect(SETTINGS["socket"])


def _asked(asked, deadline):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(max(deadline - time.monotonic(), 0.1) + 1)
        _connect(connection)
        connection.sendall(json.dumps(asked).encode() + b"\n")
        with connection.makefile("rb") as lines:
            return json.loads(lines.readline())


def _start():
    """Start the scorer unless somebody else is about to; return whether it may be there soon."""
    try:
        with open(os.path.join(STUDY, ".start.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                with socket.socket(socket.AF_UNIX) as connection:
                    _connect(connection)
                return True
            except OSError:
                pass
            if os.path.exists(SETTINGS["socket"]):  # of a scorer that was killed
                os.unlink(SETTINGS["socket"])
            with open(os.path.join(STUDY, "scorer.log"), "ab") as log:
                process = subprocess.Popen(
                    [PYTHON, "-I", "-m", "evaluator.evolve", STUDY],
                    cwd=STUDY,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            STARTED[:] = [other for other in STARTED if other.poll() is None] + [process]
            for _ in range(200):  # until it listens: it does so first of all
                if os.path.exists(SETTINGS["socket"]) or process.poll() is not None:
                    break
                time.sleep(0.05)
            return process.poll() in (None, 0)
    except OSError:
        return False


def _cold(source, deadline):
    """Judge in a process of its own; None where that fails, too."""
    left = deadline - time.monotonic()
    if left <= 0:
        return None
    command = [PYTHON, "-I", "-m", "evaluator.cli.main", "evolve", "score", STUDY, "-"]
    try:
        given = source.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # halves of characters: it is judged not to be UTF-8
        given = source.encode("utf-8", "surrogatepass")
    try:
        done = subprocess.run(command, input=given, stdout=subprocess.PIPE, timeout=left, cwd=STUDY)
        return json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


if __name__ == "__main__":
    check_seed()
