"""Damaged recordings by the thousand: each is read or refused in one sentence, in bounded time and memory.

Files are damaged here and read in processes of their own, one after the other. A process that hangs, crashes or takes
too much memory costs the file at which it ended; the next goes on behind it. Time is counted as CPU time.
"""

from __future__ import annotations

import json
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluator.bench import damage
from evaluator.bench.line import Line
from evaluator.progress import Progress

READ, REFUSED, FAILED = "read", "refused", "failed"
BATCH = 500
"""Files that one process reads: starting one takes seconds where torch is imported."""
CPU_SECONDS = 20
"""Of one file."""
MOST_MEMORY = 1 << 30
"""Bytes of a process that reads, with all its libraries."""
HARD_MEMORY = 3 << 30
"""Address space beyond that of the libraries: a process that wants more is denied it."""
LONGEST = 1000
"""Characters of a sentence."""
COMMAND = (sys.executable, "-m", "evaluator.bench.readers")
"""Of a process that reads: a whole file, then damaged ones."""
SHOWN = 5
"""Failures of a reader that are named."""


@dataclass
class Tally:
    """What became of damaged files.

    Attributes:
        read: files that a trace was read from.
        refused: files that were refused in a sentence.
        failures: by number of the file, what was wrong.
        memory: bytes that a process took at most.
        seconds: CPU seconds that a file took at most.
    """

    read: int = 0
    refused: int = 0
    failures: dict[int, str] = field(default_factory=dict)
    memory: int = 0
    seconds: float = 0.0


def measure_readers(progress: Progress, count: int, folder: Path, seed: int = 0) -> list[Line]:
    """Return lines on each reader's treatment of ``count`` damaged files; a file that fails is kept in ``folder``."""
    names = tuple(damage.FORMATS)
    progress.start("readers", len(names) * count)
    lines = []
    for name in names:
        tally = try_reader(name, count, seed, folder, lambda name=name: progress.step(name))  # type: ignore[misc]
        size = f"{count:,} damaged files"
        failures = "; ".join(f"{number}: {why}" for number, why in list(tally.failures.items())[:SHOWN])
        megabytes = tally.memory / (1 << 20)
        lines += [
            Line("readers", f"{name}, refused in a sentence", size, tally.refused, "files"),
            Line("readers", f"{name}, read", size, tally.read, "files"),
            Line(
                "readers",
                f"{name}, failures{f' ({failures})' if failures else ''}",
                size,
                len(tally.failures),
                "files",
                target="none",
                met=not tally.failures,
            ),
            Line(
                "readers",
                f"{name}, peak memory",
                size,
                megabytes,
                "MiB",
                target="1024 MiB or less",
                met=tally.memory <= MOST_MEMORY,
            ),
            Line("readers", f"{name}, CPU time of the slowest file", size, tally.seconds, "s"),
        ]
    return lines


def try_reader(
    name: str, count: int, seed: int = 0, keep: Path | None = None, done: Callable[[], object] = lambda: None
) -> Tally:
    """Return what became of ``count`` damaged files of a format.

    Args:
        name: of the format.
        count: how many.
        seed: of the damage.
        keep: a folder for copies of files that fail, as ``NAME-NUMBER``; made when there is one.
        done: called after each file.
    """
    tally = Tally()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "whole").write_bytes(damage.samples(name)[0])
        for first in range(0, count, BATCH):
            numbers = range(first, min(first + BATCH, count))
            files = {number: folder / f"file-{number}" for number in numbers}
            for number, path in files.items():
                path.write_bytes(damage.damaged(name, number, seed))
            _read_all(list(files.items()), folder / "whole", tally, done)
            for number, path in files.items():
                if number in tally.failures and keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, keep / f"{name}-{number}")
                path.unlink()
    return tally


def _read_all(files: list[tuple[int, Path]], whole: Path, tally: Tally, done: Callable[[], object]) -> None:
    """Read files in one process, and in further ones behind each file that ends one."""
    while files:
        command = [*COMMAND, str(whole), *(str(path) for _, path in files)]
        finished = 0
        with tempfile.TemporaryFile() as words:
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    _count(json.loads(line), files[finished][0], tally)
                    finished += 1
                    done()
            words.seek(0)
            said = words.read().decode("utf-8", "backslashreplace").strip().splitlines()
        if process.returncode != 0 or not finished:  # it did not end by itself
            ended_at = min(finished, len(files) - 1)
            tally.failures[files[ended_at][0]] = _ending(process.returncode, said)
            finished = ended_at + 1
            done()
        elif said:
            tally.failures.setdefault(files[finished - 1][0], f"something was printed: {said[-1]}")
        files = files[finished:]


def _count(found: dict[str, Any], number: int, tally: Tally) -> None:
    tally.memory = max(tally.memory, found["memory"])
    tally.seconds = max(tally.seconds, found["seconds"])
    if found["outcome"] == FAILED:
        tally.failures[number] = found["why"]
    elif found["outcome"] == READ:
        tally.read += 1
    else:
        tally.refused += 1


def _ending(code: int, said: list[str]) -> str:
    """Return how a process ended before its time, in words."""
    if code == -signal.SIGPROF:
        return f"it took more than {CPU_SECONDS} s of CPU time"
    how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return f"the process crashed: {how}{': ' + said[-1] if said else ''}"


def outcome_of(path: Path) -> tuple[str, str]:
    """Return what becomes of a file: read, refused or failed; and why."""
    from eplb_variants import EplbError
    from evaluator.workloads.readers import read_trace

    try:
        trace = read_trace(path)
    except EplbError as error:
        return _judged(str(error))
    except BaseException as error:
        return FAILED, f"{type(error).__name__} instead of a sentence: {error!r}"[:LONGEST]
    sound = trace.counts.ndim == 3 and trace.counts.dtype.kind in "iu" and trace.counts.min() >= 0
    return (READ, "") if sound else (FAILED, "what was read are no counts")


def _judged(sentence: str) -> tuple[str, str]:
    """Return whether a refusal is a sentence: short, of one line, printable, and not of memory that ran out."""
    for wrong, why in (
        (not sentence.isprintable(), "the sentence cannot be printed"),
        (not 10 < len(sentence) <= LONGEST, "the sentence is too short or too long"),
        ("more memory than there is" in sentence or "alloc" in sentence, "it was refused for want of memory only"),
    ):
        if wrong:
            return FAILED, f"{why}: {sentence!r}"[:LONGEST]
    return REFUSED, sentence


def results(whole: Path, paths: list[Path]) -> Iterator[dict[str, Any]]:
    """Yield what becomes of each file, within limits; ``whole`` is read before, so that libraries are loaded."""
    outcome_of(whole)
    _limit()
    for path in paths:
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)  # its signal ends the process, whatever it is doing
        before = _cpu_seconds()
        outcome, why = outcome_of(path)
        memory = _peak_memory()
        if memory > MOST_MEMORY and outcome != FAILED:
            outcome, why = FAILED, f"the process had taken {memory >> 20} MiB when it had read it"
        yield {"outcome": outcome, "why": why, "memory": memory, "seconds": _cpu_seconds() - before}
        if memory > MOST_MEMORY:
            return  # the next process starts anew


def _peak_memory() -> int:
    """Return the most memory that this process has had, in bytes; that of the one that started it does not count."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]  # Linux always says it


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    size = pages * resource.getpagesize() + HARD_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


if __name__ == "__main__":
    for result in results(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]):
        sys.stdout.write(f"{json.dumps(result)}\n")
        sys.stdout.flush()
