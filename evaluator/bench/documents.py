"""Damaged documents by the thousand: each makes a program or is rejected in a sentence, in bounded time and memory.

Each goes the way of ``eplb score``: read and applied in a child process, then reported on, as a table, as notes and as
JSON. Only the judging is left out.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from evaluator.bench.damage.documents import damaged_document
from evaluator.bench.line import Line
from evaluator.candidates.docket import Entry, report_on, shared_notes
from evaluator.candidates.documents.matching import MATCHINGS
from evaluator.candidates.judging.schema import ARROW, NO_DIFFERENCE
from evaluator.candidates.program import Program, example_program
from evaluator.candidates.reading import Made, Reader
from evaluator.progress import Progress
from evaluator.shown.verdicts import verdict_grid

BATCH = 50
"""Documents that are reported on together."""
LONGEST = 1000
"""Characters of a sentence."""
MOST_CPU_SECONDS = 5.0
"""Of one document; one that takes ten is ended."""
MOST_GROWTH = 64 << 20
"""Bytes by which a process that reads documents may grow from one half of them to the other."""
SHOWN = 5
"""Failures that are named."""


@dataclass
class Tally:
    """What became of damaged documents.

    Attributes:
        applied: documents that made a program.
        rejected: documents that were rejected in a sentence.
        failures: by number of the document, what was wrong.
        cpu_seconds: that one took at most.
        peak_bytes: of memory that a process that reads them has had at most, beyond what it began with.
        growth_bytes: by which its peak was higher in the second half of the documents than in the first.
    """

    applied: int = 0
    rejected: int = 0
    failures: dict[int, str] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    growth_bytes: int = 0


def measure_documents(progress: Progress, count: int, folder: Path, seed: int = 0) -> list[Line]:
    """Return lines on ``count`` damaged documents; one that fails is kept in ``folder``."""
    progress.start("documents", count)
    tally = try_documents(count, seed, folder, progress)
    size = f"{count:,} damaged documents"
    failures = "; ".join(f"{number}: {why}" for number, why in list(tally.failures.items())[:SHOWN])
    what, mebibytes = f"failures{f' ({failures})' if failures else ''}", 1 << 20
    return [
        Line("documents", "made a program", size, tally.applied, "documents"),
        Line("documents", "rejected in a sentence", size, tally.rejected, "documents"),
        Line("documents", what, size, len(tally.failures), "documents", target="none", met=not tally.failures),
        Line(
            "documents",
            "CPU time of the slowest",
            size,
            tally.cpu_seconds,
            "s",
            target=f"{MOST_CPU_SECONDS:g} s or less",
            met=tally.cpu_seconds <= MOST_CPU_SECONDS,
        ),
        Line("documents", "most memory beyond the start", size, tally.peak_bytes / mebibytes, "MiB"),
        Line(
            "documents",
            "growth of memory over the second half",
            size,
            tally.growth_bytes / mebibytes,
            "MiB",
            target=f"{MOST_GROWTH >> 20} MiB or less",
            met=tally.growth_bytes <= MOST_GROWTH,
        ),
    ]


def try_documents(count: int, seed: int = 0, keep: Path | None = None, progress: Progress | None = None) -> Tally:
    """Return what became of ``count`` damaged documents, under each semantics in turn.

    Args:
        count: how many.
        seed: of the damage.
        keep: a folder for copies of documents that fail, as ``document-NUMBER``; made when there is one.
        progress: told of each.
    """
    tally, parent = Tally(), example_program()
    peaks: Counter[tuple[str, bool]] = Counter()
    starts: dict[str, int] = {}
    with ExitStack() as stack:
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "document"
        readers = {name: stack.enter_context(Reader(parent.source, name)) for name in MATCHINGS}
        file.write_text(parent.source, encoding="utf-8")
        for name, reader in readers.items():
            starts[name] = reader.read(file).peak_bytes
        entries: dict[int, Entry] = {}
        for number in range(count):
            matching = list(MATCHINGS)[number % len(MATCHINGS)]
            file.write_bytes(damaged_document(number, seed))
            made = readers[matching].read(file)
            _count(made, number, tally)
            half = (matching, 2 * number >= count)
            peaks[half] = max(peaks[half], made.peak_bytes)
            program = None if made.program is None else Program(made.name, made.program)
            entries[number] = Entry(made.name, "document", program, made.reason, made.notes)
            if len(entries) == BATCH or number == count - 1:
                _report(entries, tally)
                entries.clear()
            if progress is not None:
                progress.step(made.name)
    for name, start in starts.items():
        tally.peak_bytes = max(tally.peak_bytes, *(peaks[name, half] - start for half in (False, True)))
        tally.growth_bytes = max(tally.growth_bytes, peaks[name, True] - max(peaks[name, False], start))
    if keep is not None:
        for number in tally.failures:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"document-{number}").write_bytes(damaged_document(number, seed))
    return tally


def _count(made: Made, number: int, tally: Tally) -> None:
    tally.cpu_seconds = max(tally.cpu_seconds, made.cpu_seconds)
    tally.applied += made.program is not None
    tally.rejected += made.program is None
    for wrong in _wrong_with(made):
        tally.failures[number] = wrong


def _wrong_with(made: Made) -> Iterator[str]:
    if made.program is None:
        said = made.reason or ""
        if not said.isprintable() or not 10 < len(said) <= LONGEST:
            yield f"the reason is no sentence: {said!r}"[:LONGEST]
        elif made.spoiled or not made.peak_bytes:  # its process did not end well, or was ended
            yield said
    elif made.reason is not None:
        yield "it was applied and rejected"
    if not made.name.isprintable():
        yield f"the name cannot be printed: {made.name!r}"


def _report(entries: dict[int, Entry], tally: Tally) -> None:
    """Report on documents as ``eplb score`` does, and see that nothing but lines of text comes of it."""
    try:
        row = dict.fromkeys(ARROW.names) | {"verdict": NO_DIFFERENCE, "repeats": True}
        row |= {name: 0.5 for name in ARROW.names if name.startswith("balancedness_gpu_next")}
        rows = {one.program.key: row for one in entries.values() if one.program is not None}
        said = report_on(list(entries.values()), rows)
        printed = io.StringIO()
        Console(file=printed, width=200, force_terminal=False).print(verdict_grid(said))
        json.dumps(said).encode("ascii")
        shared_notes(said)
    except Exception as error:
        tally.failures[next(iter(entries))] = f"its batch cannot be reported on: {error!r}"[:LONGEST]
        return
    if not printed.getvalue().replace("\n", "").isprintable():
        tally.failures[next(iter(entries))] = "its batch prints characters that a terminal may obey"
