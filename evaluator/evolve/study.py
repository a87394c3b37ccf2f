"""A study: what all programs of one search are judged by, and where what was found is kept.

Its folder is nobody's business but its owner's: it has the seed of the traces, and programs could be made for them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eplb_variants.errors import EplbError
from evaluator.files import own_path, write_whole

STUDY_SCHEMA_VERSION = 1
"""Raised when a key of ``study.json`` changes its meaning."""
FILE, SEED_PROGRAM, RECORD, KNOWN, LOG = "study.json", "seed.py", "record.jsonl", "known", "scorer.log"
"""What is in a study's folder, beside the verdicts of the judge."""
SECONDS, LEAST_SECONDS = 120.0, 5.0
"""Of an evaluation, from the question to the answer: the usual deadline, and the shortest."""
TRACES = 10
"""Of the training part, where a study does not say."""
KEPT = ("traces", "time", "outside")
"""Settings that a study keeps: asked for otherwise, it must be another."""
IDLE_SECONDS = 600.0
"""After which a scorer that nobody asks ends."""


@dataclass(frozen=True)
class Study:
    """What programs are judged by.

    Attributes:
        folder: where it is, absolute.
        overrides: of ``eplb score``: workload, topology.
        traces: of the training part; there is no held-out part that a search could see.
        seed: what the traces are drawn from, the same for all programs of the study.
        seconds: from a question to its answer at most, everything included.
        time: whether programs are timed beside the seed program.
        outside: whether a program may differ from the seed program outside its EVOLVE-BLOCKs.
        idle_seconds: after which its scorer ends.
        socket: where its scorer listens.
    """

    folder: Path
    overrides: tuple[str, ...]
    traces: int
    seed: int
    seconds: float
    time: bool
    outside: bool
    idle_seconds: float
    socket: str

    @property
    def seed_program(self) -> str:
        """The source of the program that all others are compared with."""
        return (self.folder / SEED_PROGRAM).read_text(encoding="utf-8")


def create_study(
    folder: str | Path,
    parent: str,
    overrides: Sequence[str] = (),
    *,
    traces: int = TRACES,
    seconds: float = SECONDS,
    time: bool = False,
    outside: bool = False,
    idle_seconds: float = IDLE_SECONDS,
    traces_seed: int | None = None,
) -> Study:
    """Make the folder of a study, for its owner alone, and return the study.

    Args:
        folder: that must not be there, or be empty.
        parent: source of the seed program.
        overrides: of ``eplb score``.
        traces: of the training part; 1 or more.
        seconds: from a question to its answer at most.
        time: whether programs are timed, which takes many times as long.
        outside: whether programs may change what is outside the EVOLVE-BLOCKs.
        idle_seconds: after which its scorer ends.
        traces_seed: what the traces are drawn from; a secret if None, so that no program was made for them.

    Raises:
        EplbError: the folder is not empty or cannot be made, or a number is out of its range.
    """
    folder = Path(folder).resolve()
    if not LEAST_SECONDS <= seconds < float("inf"):
        raise EplbError(f"an evaluation of {seconds:g} seconds is too short: it must have {LEAST_SECONDS:g} at least")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise EplbError(f"the study {str(folder)!r} is there already: name another, or delete it")
        os.chmod(folder, 0o700)
        (folder / SEED_PROGRAM).write_text(parent, encoding="utf-8", newline="\n")
        drawn = secrets.randbits(62) if traces_seed is None else traces_seed
        study = Study(folder, tuple(overrides), traces, drawn, seconds, time, outside, idle_seconds, "")
        study = dataclasses.replace(study, socket=_socket_of(folder))
        values = {key: value for key, value in dataclasses.asdict(study).items() if key != "folder"}
        write_whole(folder / FILE, json.dumps({"schema_version": STUDY_SCHEMA_VERSION, **values}, indent=2) + "\n")
        os.chmod(folder / FILE, 0o600)
    except OSError as error:
        raise EplbError(f"the study {str(folder)!r} cannot be made: {error.strerror}") from None
    return study


def study_at(folder: str | Path, parent: str, overrides: Sequence[str] = (), **settings: Any) -> Study:
    """Return the study in a folder, as it was left, or a new one; the same program and settings must be asked for.

    Args:
        folder: of it.
        parent: source of the seed program.
        overrides: of ``eplb score``.
        settings: of ``create_study``, for a new one.

    Raises:
        EplbError: the study is of another seed program or other settings, or cannot be made.
    """
    if not (Path(folder) / FILE).exists():
        return create_study(folder, normalised(parent), overrides, **settings)
    study = read_study(folder)
    same = normalised(study.seed_program) == normalised(parent) and study.overrides == tuple(overrides)
    if not same or any(settings.get(name, getattr(study, name)) != getattr(study, name) for name in KEPT):
        where = f"the study {str(study.folder)!r}"
        raise EplbError(f"{where} is of another initial program or other settings: name another with --study")
    return study


def remove_study(study: Study) -> None:
    """Remove the folder of a study that cannot be used, and those that were made for it."""
    shutil.rmtree(study.folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # others are in them
        for folder in list(study.folder.parents)[:2]:
            folder.rmdir()


def read_study(folder: str | Path) -> Study:
    """Return the study in a folder; EplbError where there is none, or none that this version reads."""
    folder = Path(folder).resolve()
    try:
        values: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        is_read = values.pop("schema_version") == STUDY_SCHEMA_VERSION
        study = Study(folder, **{**values, "overrides": tuple(values["overrides"])}) if is_read else None
    except OSError as error:
        raise EplbError(f"there is no study in {str(folder)!r}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EplbError(f"{str(folder / FILE)!r} is damaged") from None
    if study is None:
        raise EplbError(f"the study {str(folder)!r} is of another version of eplb-lab: begin a new one")
    if not _is_sound(study):
        raise EplbError(f"{str(folder / FILE)!r} is damaged")
    for path in folder.iterdir():
        if path.is_symlink():
            own_path(folder, path.name)
    return study


def _is_sound(study: Study) -> bool:
    """Return whether the values in a study's file are of the types that they must be."""
    whole, real = (study.traces, study.seed), (study.seconds, study.idle_seconds)
    texts, flags = (*study.overrides, study.socket), (study.time, study.outside)
    checks = ((whole, int), (real, int | float), (texts, str), (flags, bool))
    return all(isinstance(value, kind) for values, kind in checks for value in values)


def normalised(source: str) -> str:
    """Return a program's source as it is judged: line ends as here, and one at its end, whatever an engine did."""
    return source.replace("\r\n", "\n").replace("\r", "\n").rstrip() + "\n"


def key_of(source: str) -> str:
    """Return the name under which what is known of a program is kept: a hash of its normalised source."""
    return hashlib.sha256(normalised(source).encode("utf-8", "surrogatepass")).hexdigest()[:20]


def _socket_of(folder: Path) -> str:
    """Return where a study's scorer listens: names of sockets are short, those of folders need not be."""
    name = hashlib.sha256(str(folder).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return os.path.join(tempfile.gettempdir(), f"eplb-study-{os.getuid()}-{name}", "scorer")
