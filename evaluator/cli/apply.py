"""``eplb apply``: make the program that a candidate stands for, or say why it makes none."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evaluator.candidates.documents.document import Document
    from evaluator.candidates.documents.matching import Applied

EPILOG = """\
examples:
  eplb apply idea.txt --parent program.py -o child.py
  eplb apply idea.txt --parent program.py --check
  eplb apply idea.txt --parent program.py --matching shinka | diff program.py -

exit codes: 0 it applies, 1 it does not, 2 usage or a file that cannot be read
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("candidate", metavar="CANDIDATE", help="a document with SEARCH/REPLACE blocks, or a program")
    parser.add_argument("--parent", required=True, metavar="PROGRAM", help="the program that it changes")
    parser.add_argument("-o", "--output", metavar="FILE", help="where the program goes; printed where none is named")
    parser.add_argument(
        "--matching",
        default="exact-line",
        metavar="M",
        help="exact-line (default), or as a framework does: openevolve, shinka, skydiscover, codeevolve",
    )
    parser.add_argument("--check", action="store_true", help="report only, make no program")


def run(options: argparse.Namespace) -> int:
    """Apply, write or print the program, report, and return 0; 1 if the candidate is rejected."""
    from eplb_variants.errors import EplbError, printable, unknown
    from evaluator.candidates.documents.apply import apply_document
    from evaluator.candidates.documents.document import parse_document
    from evaluator.candidates.documents.matching import MATCHINGS
    from evaluator.candidates.documents.text import decode, read_text
    from evaluator.cli.main import DONE, GATE

    if options.matching not in MATCHINGS:
        raise unknown("matching", options.matching, MATCHINGS)
    parent = read_text(options.parent)
    path, data = _candidate(options.candidate)
    try:
        document = parse_document(decode(data, repr(path.name)), parent, name=path.stem, strict=False)
        applied = apply_document(document, parent, options.matching)
    except EplbError as error:
        name = printable(path.name)
        print(f"eplb: {name} does not apply under {options.matching}: {error}", file=sys.stderr)
        if detail := getattr(error, "detail", ""):
            print(detail, file=sys.stderr)
        return GATE
    if not options.check:
        _deliver(applied.program, options.output)
    to = sys.stdout if options.check or options.output else sys.stderr
    for line in _report(document, applied, parent, options.matching):
        print(line, file=to)
    return DONE


def _candidate(given: str) -> tuple[Path, bytes]:
    from pathlib import Path

    from eplb_variants.errors import EplbError
    from evaluator.candidates.documents.files import read_regular

    path = Path(given)
    try:
        return path, read_regular(path)
    except EplbError as error:
        raise EplbError(f"the candidate {given!r} cannot be read: {error}") from None


def _deliver(program: str, output: str | None) -> None:
    from pathlib import Path

    from eplb_variants.errors import EplbError

    if output is None:
        sys.stdout.buffer.write(program.encode())
        sys.stdout.buffer.flush()
        return
    try:
        Path(output).write_bytes(program.encode())
    except OSError as error:
        raise EplbError(f"{output!r} cannot be written: {error.strerror}") from None


def _report(document: Document, applied: Applied, parent: str, matching: str) -> Iterator[str]:
    from eplb_variants.errors import printable
    from evaluator.candidates.documents.apply import summarise_matchings
    from evaluator.candidates.documents.document import why_no_program

    number = len(document.edits)
    what = f"{number} edit{'s' * (number > 1)}" if number else "a whole program"
    yield f"{printable(document.name)} applies under {matching}: {what}"
    if (why := why_no_program(applied.program)) is not None:
        yield f"  note: what comes of it is no Python program: {why}"
    for note in (*document.notes, *applied.notes):
        yield f"  note: {note}"
    for name, sentence in summarise_matchings(document, parent, matching).items():
        yield f"  under {name}: {sentence}"
