"""The warm scorer of a study: one process with one judge, asked over a Unix socket by any number of callers.

A question is a line of JSON, and so is its answer. The socket is there before anything heavy is imported, so that who
started the scorer can ask at once. Whatever ends a caller costs nothing: what was begun is judged and kept.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import socket
import stat
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eplb_variants.errors import EplbError
from evaluator.evolve.study import Study, key_of, read_study

if TYPE_CHECKING:
    from evaluator.evolve.answers import Answer

LOCK = ".scorer.lock"
"""Held by the scorer of a study as long as it lives."""
LONGEST_QUESTION = 32 << 20
"""Bytes."""
WAITING = 128
"""Callers that may wait for the socket."""
TICK_SECONDS = 0.5


def serve(folder: str | Path) -> None:
    """Answer questions until nobody has asked for the study's idle seconds; at once where another scorer is there.

    Raises:
        EplbError: there is no study, or no socket can be made.
    """
    study = read_study(folder)
    with (study.folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        with _listening(study.socket) as listener:
            Scorer(study).run(listener)


@contextlib.contextmanager
def _listening(path: str) -> Any:
    """Listen where a study's scorer does, for its owner alone."""
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.lstat(folder)
        if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
            raise EplbError(f"{folder!r} is somebody else's")
        os.chmod(folder, 0o700)
        for left in (path, f"{path}.new"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(left)  # of one that was killed: the lock is ours
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{path}.new")
        listener.listen(WAITING)
        os.rename(f"{path}.new", path)  # who sees it can ask
    except OSError as error:
        raise EplbError(f"the scorer cannot listen at {path!r}: {error.strerror}") from None
    try:
        yield listener
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)
            os.rmdir(folder)
        listener.close()


@dataclass
class Question:
    """A program that somebody waits for.

    Attributes:
        source: of the program.
        asked: where it comes from, for the record.
        deadline: on the monotonic clock, after which its caller does not wait.
        caller: whoever asks; callers take turns.
        done: set when there is an answer.
        answer: it.
    """

    source: str
    asked: dict[str, Any]
    deadline: float
    caller: str
    done: threading.Event = field(default_factory=threading.Event)
    answer: Answer | None = None


class Turns:
    """Questions that wait; callers take turns, so that one with many does not starve one with few."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[Question]] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False

    def close(self) -> None:
        """Say that no more questions come."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def put(self, question: Question) -> None:
        """Add a question behind those of its caller."""
        with self._changed:
            self._waiting.setdefault(question.caller, deque()).append(question)
            self._changed.notify()

    def take(self) -> Question | None:
        """Return the next question, waited for; None where no more come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                return None
            caller, questions = next(iter(self._waiting.items()))
            question = questions.popleft()
            del self._waiting[caller]
            if questions:
                self._waiting[caller] = questions  # at the end
            return question


class Scorer:
    """Takes questions, has them judged one after the other, and answers."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._turns = Turns()
        self._counting = threading.Lock()
        self._last = time.monotonic()
        self._callers = 0

    def run(self, listener: socket.socket) -> None:
        """Answer until nobody has asked for long enough."""
        listener.settimeout(TICK_SECONDS)
        judging = threading.Thread(target=self._judge, daemon=True)
        judging.start()
        while judging.is_alive():
            try:
                caller, _ = listener.accept()
            except TimeoutError:
                if self._callers == 0 and time.monotonic() - self._last > self.study.idle_seconds:
                    break
                continue
            self._count(1)
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()
        self._turns.close()
        judging.join()  # what is begun is kept, and the judge's processes are ended

    def _count(self, more: int) -> None:
        with self._counting:
            self._callers += more
            self._last = time.monotonic()

    def _serve(self, caller: socket.socket) -> None:
        """Answer one caller's questions, line by line, until it closes."""
        try:
            with caller, caller.makefile("rwb") as lines:
                while line := lines.readline(LONGEST_QUESTION + 1):
                    lines.write(json.dumps(self._answer_to(line)).encode() + b"\n")
                    lines.flush()
        except (OSError, ValueError):
            pass  # it is gone
        finally:
            self._count(-1)

    def _answer_to(self, line: bytes) -> Answer:
        from evaluator.evolve.answers import LATE, REFUSED, failure
        from evaluator.evolve.keeping import put_on_record

        try:
            asked = json.loads(line)
            source, seconds = str(asked["source"]), float(asked.get("seconds") or self.study.seconds)
            if not math.isfinite(seconds):
                raise ValueError(seconds)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            return failure(REFUSED, "a question is a line of JSON with a source, of 32 MiB at most")
        seconds = min(max(seconds, 0.0), self.study.seconds)
        question = Question(source, asked, time.monotonic() + seconds, str(asked.get("caller", "")))
        self._turns.put(question)
        if question.done.wait(seconds) and question.answer is not None:
            return question.answer
        late = failure(LATE, f"no answer within {seconds:g} seconds: ask again")
        put_on_record(self.study, source, asked, late)
        return late

    def _judge(self) -> None:
        """Judge what is asked, one program after the other."""
        from evaluator.evolve.keeping import known
        from evaluator.evolve.scoring import Scoring

        with Scoring(self.study) as scoring:
            while (question := self._turns.take()) is not None:
                if time.monotonic() > question.deadline and known(self.study, key_of(question.source)) is None:
                    question.done.set()  # nobody waits any more, and others do
                    continue
                question.answer = scoring.answer(question.source, question.asked)
                self._last = time.monotonic()
                question.done.set()
