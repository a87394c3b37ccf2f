"""``eplb board``: entries, variants and programs, judged again on a suite and shown on one page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

EPILOG = """\
examples:
  eplb board build                                       # the shipped variants, from the archive
  eplb board build entries/* --out board/ --jobs 2
  eplb board check entries/mine
  eplb board archive runs/all                            # after eplb evaluate -m run=all suite=eplb_1 variant=...

An entry is a folder with card.yaml (name, authors, licence; source, summary, engine, claims) and either program.py, in
DeepSeek's API, or variant.yaml, as in conf/variant or as eplb search --out writes them. Nothing else may be in it.
Every entry is judged again before it is shown; what was judged before with the same code is not judged again. What
ships is taken from the archive that ships, unless --again is given.

exit codes: 0 done, 1 an entry lacks something, 2 usage, 3 the suite cannot be used
"""
ACTIONS = {
    "build": "judge the shipped variants and the entries named, and write the board",
    "check": "say what entries lack",
    "archive": "write a run of one suite as one file, as the archive that ships is",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("action", choices=tuple(ACTIONS), help="; ".join(f"{a}: {what}" for a, what in ACTIONS.items()))
    parser.add_argument("given", nargs="*", metavar="FOLDER", help="of entries; archive: of a run")
    parser.add_argument("--suite", default="eplb_1", metavar="NAME", help="judged on (default: eplb_1)")
    parser.add_argument("--out", metavar="PATH", help="folder of the board, or file of the archive")
    parser.add_argument("--runs-dir", default="runs", metavar="DIR", help="what is measured goes to DIR/board (runs)")
    parser.add_argument("--no-time", action="store_true", help="take no times")
    parser.add_argument("--no-shipped", action="store_true", help="of what ships, the reference alone")
    parser.add_argument("--again", action="store_true", help="measure what ships, too, in place of the archive")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="programs tried at once (default: 1)")


def run(options: argparse.Namespace) -> int:
    """Do it and return the exit code."""
    return {"build": _build, "check": _check, "archive": _archive}[options.action](options)


def _build(options: argparse.Namespace) -> int:
    from eplb_variants.errors import EplbError, printable
    from evaluator.board.entry import read_entries
    from evaluator.board.judging import REFERENCE, How, judged
    from evaluator.board.page import write_board
    from evaluator.board.shipped import shipped_entries
    from evaluator.candidates.judging.judge import ParentUnusable
    from evaluator.cli.main import CRASHED, DONE
    from evaluator.progress import Bar
    from evaluator.workloads import UnusableWorkload

    if not 1 <= options.jobs <= 1024:
        raise EplbError(f"--jobs is {options.jobs}: it must be 1 or more, and 1,024 at most")
    entries = shipped_entries([REFERENCE] if options.no_shipped else None)
    given, left_out = read_entries(options.given, [entry.card.name for entry in entries])
    for why in left_out.values():
        print(f"eplb: left out: {printable(why)}", file=sys.stderr)
    if options.given and not given:
        raise EplbError("no entry can be used: eplb board check says what they lack")
    entries += given
    measure = "quality" if options.no_time else "both"
    how = How(options.suite, Path(options.runs_dir, "board"), measure, not options.again, options.jobs)
    try:
        with Bar() as bar:
            rows = judged(entries, how, bar)
    except (ParentUnusable, UnusableWorkload) as error:
        print(f"eplb: {error}", file=sys.stderr)
        return CRASHED
    page, table = write_board(rows, how, Path(options.out or "board"))
    without = [row["entry"] for row in rows if row["next"] is None]
    print(f"{len(rows)} entries: {printable(str(page))}, {printable(str(table))}")
    if without:
        print(f"without numbers: {', '.join(without)}")
    return DONE


def _check(options: argparse.Namespace) -> int:
    from eplb_variants.errors import EplbError, printable
    from evaluator.board.entry import lacks_of
    from evaluator.cli.main import DONE, GATE

    if not options.given:
        raise EplbError("eplb board check takes the folders of entries")
    code = DONE
    for folder in options.given:
        lacks = lacks_of(folder)
        for sentence in lacks:
            print(f"{printable(folder)}: {printable(sentence)}")
        if not lacks:
            print(f"{printable(folder)}: lacks nothing")
        code = GATE if lacks else code
    return code


def _archive(options: argparse.Namespace) -> int:
    from eplb_variants.errors import EplbError, printable
    from evaluator.cli.main import DONE
    from evaluator.results.archived import write_archive

    if len(options.given) != 1:
        raise EplbError("eplb board archive takes the folder of a run")
    file = Path(options.out or "archive.parquet")
    number = write_archive(options.given[0], file)
    print(f"{number} variants: {printable(str(file))}")
    return DONE
