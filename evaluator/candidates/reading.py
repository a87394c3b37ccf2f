"""Documents are read and applied in a child process with limits: whatever one does costs that document alone.

One child reads many documents. One that crashes, or is ended for what it takes, is followed by a fresh one.
"""

from __future__ import annotations

import math
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from eplb_variants import EplbError
from evaluator.candidates.documents.apply import apply_document, other_interpretations
from evaluator.candidates.documents.document import parse_document
from evaluator.candidates.documents.files import read_regular
from evaluator.candidates.documents.text import decode, shown_name
from evaluator.sweep.calls import Calls
from evaluator.sweep.child import Child, Ended

CPU_SECONDS, WALL_SECONDS = 10.0, 120.0
"""Of one document: a thousand times what one takes; on a clock that goes on while others have the cores."""
MEMORY_BYTES = 1 << 30
"""That the child may take beyond what it starts with; Python's own parser takes most of it."""
LONGEST_ANSWER = 1 << 25
"""Bytes: a program of 400,000 characters more than its parent's, each written out in twelve letters."""
_HUNGRY = "reading it takes more memory than a document may"


@dataclass(frozen=True)
class Made:
    """What became of a document.

    Attributes:
        name: what it calls itself, or its file's name; printable, and in no more columns than a table has for it.
        program: the source of the program that it makes; None where it was rejected.
        reason: why it was rejected, in a sentence of our own words and numbers; None where it was not.
        notes: what was noticed on the way: repairs, and where other semantics give another program.
        spoiled: whether the process that read it should read no other.
        cpu_seconds: that it took.
        peak_bytes: the most memory that the process that read it has had so far.
    """

    name: str
    program: str | None = None
    reason: str | None = None
    notes: tuple[str, ...] = ()
    spoiled: bool = False
    cpu_seconds: float = 0.0
    peak_bytes: int = 0


class Reader:
    """Reads documents in a child process; a context manager, whose end is that of the child.

    Args:
        parent: the source of the program that they change, where none is named.
        matching: how a SEARCH is matched, one of ``MATCHINGS``, where none is named.
        cpu_seconds: that a document may take.
        wall_seconds: that it may take, running or not.
        memory_bytes: that the child may take beyond what it starts with, where the system can count it.
    """

    def __init__(
        self,
        parent: str,
        matching: str,
        *,
        cpu_seconds: float = CPU_SECONDS,
        wall_seconds: float = WALL_SECONDS,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._parent, self._matching = parent, matching
        self._seconds = {signal.SIGPROF: cpu_seconds, signal.SIGALRM: wall_seconds}
        self._child = Child(self._answer, Calls(), math.inf, memory_bytes, LONGEST_ANSWER)

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.close()

    def read(self, file: Path) -> Made:
        """Return what becomes of the document in a file; whatever goes wrong is its reason."""
        return self._asked(shown_name(file.stem), {"path": os.fspath(file)})

    def apply(self, document: str, parent: str, matching: str, name: str) -> Made:
        """Return what becomes of the text of a document and the program that it changes, under some semantics."""
        told = {"document": document, "parent": parent, "matching": matching, "name": name}
        return self._asked(shown_name(name), told)

    def _asked(self, name: str, request: dict[str, str]) -> Made:
        try:
            found = self._child.ask(request)
        except Ended as ended:
            return Made(name, reason=self._why(str(ended)))
        made = Made(**{**found, "notes": tuple(found["notes"])})
        if made.spoiled:
            self._child.close()
        return made

    def _why(self, ended: str) -> str:
        if ended == f"ended by {signal.SIGPROF.name}":
            return f"reading it takes more than {self._seconds[signal.SIGPROF]:g} s of CPU time"
        if ended == f"ended by {signal.SIGALRM.name}":
            return f"reading it takes more than {self._seconds[signal.SIGALRM]:g} s"
        return f"the process that read it {ended}"

    def _answer(self, request: dict[str, str]) -> dict[str, Any]:
        """Return a document as ``Made``, in JSON; in the child."""
        file = Path(request.get("path", ""))
        name = shown_name(request.get("name", file.stem))
        began = time.process_time()
        try:
            with self._limited():
                if "document" in request:
                    made = made_of_text(request["document"], request["parent"], request["matching"], request["name"])
                else:
                    made = made_of(file, self._parent, self._matching)
        except MemoryError:
            made = Made(name, reason=_HUNGRY, spoiled=True)
        except RecursionError:
            made = Made(name, reason="it is nested too deeply", spoiled=True)
        except Exception as error:
            made = Made(name, reason=f"it cannot be read, by a fault of eplb-lab: {_place_of(error)}", spoiled=True)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return asdict(replace(made, cpu_seconds=time.process_time() - began, peak_bytes=peak))

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """End this process if what follows takes too long."""
        timers = {signal.SIGPROF: signal.ITIMER_PROF, signal.SIGALRM: signal.ITIMER_REAL}
        for number, timer in timers.items():
            signal.signal(number, signal.SIG_DFL)
            signal.setitimer(timer, self._seconds[number])
        try:
            yield
        finally:
            for timer in timers.values():
                signal.setitimer(timer, 0)


def made_of(file: Path, parent: str, matching: str) -> Made:
    """Return what the document in a file makes of its parent, read and applied in this process."""
    try:
        text = decode(read_regular(file), "the document")
    except EplbError as error:
        return Made(shown_name(file.stem), reason=str(error))
    return made_of_text(text, parent, matching, file.stem)


def made_of_text(text: str, parent: str, matching: str, stem: str) -> Made:
    """Return what a document makes of its parent, applied in this process; ``stem`` is its name if it has none."""
    name = shown_name(stem)
    notes: tuple[str, ...] = ()
    try:
        document = parse_document(text, parent, name=stem, strict=False)
        name, notes = shown_name(document.name or stem), document.notes
        notes = (*notes, *other_interpretations(document, parent, matching))
        applied = apply_document(document, parent, matching)
    except EplbError as error:
        return Made(name, reason=str(error), notes=notes)
    return Made(name, applied.program, notes=(*document.notes, *applied.notes, *notes[len(document.notes) :]))


def _place_of(error: Exception) -> str:
    """Return the type of an error of ours, and where it was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" in {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__}{where}"
