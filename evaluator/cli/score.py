"""``eplb score``: judge candidates against their parent."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

EPILOG = """\
a candidate is a file or a folder of files: SEARCH/REPLACE blocks (bare, fenced, in <DIFF>), <CODE>, a whole program
overrides are those of `eplb evaluate`, such as workload=dsr1_decode topology=vllm_wide score=leaderboard run=NAME

verdicts: rejected (did not apply), invalid (failed a check), timed out, identical placements, no difference,
better, worse; all but the first three come with paired differences, intervals and the ratio of times

examples:
  eplb score examples/candidates
  eplb score patch.txt --parent balancer.py workload=recorded workload.path=trace.npz workload.interval=16
  eplb score patches/ --matching shinka --json > verdicts.json

The seed of a synthetic workload is drawn once per run folder and kept there, out of the candidates' sight, so that no
program can make the windows that it will be judged on; seed=N sets it. Exit codes: 0 all were judged, 2 usage or
configuration, 3 the workload or the parent cannot be used.
"""
DEFAULTS = ["workload=quick", "run=scores"]
SCORES_JSON_VERSION = 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("given", nargs="+", metavar="CANDIDATE|OVERRIDE", help="files, folders, and Hydra overrides")
    parser.add_argument("--parent", metavar="PROGRAM", help="what the candidates change; the example program if none")
    parser.add_argument("--matching", default="exact-line", metavar="SEMANTICS", help="how a SEARCH is matched")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="programs tried at once; timing never shares")
    parser.add_argument("--isolation", default="auto", choices=("auto", "none"), help="none runs programs unconfined")
    parser.add_argument("--wall-seconds", type=float, default=20.0, help="for loading and for each call (default: 20)")
    parser.add_argument("--total-seconds", type=float, default=300.0, help="for all but the timing (default: 300)")
    parser.add_argument("--cpu-seconds", type=int, default=60, help="of a process's whole life (default: 60)")
    parser.add_argument("--memory-mib", type=int, default=2048, help="beyond what torch takes (default: 2048)")
    parser.add_argument("--config-dir", action="append", default=[], metavar="DIR", help="a folder laid out as conf/")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the table")


def run(options: argparse.Namespace) -> int:
    """Judge and return the exit code."""
    from eplb_variants.errors import EplbError, unknown
    from evaluator.candidates.docket import candidate_files, read_entries, report_on
    from evaluator.candidates.documents.matching import MATCHINGS
    from evaluator.candidates.judging.judge import Judge, ParentUnusable
    from evaluator.candidates.program import read_program
    from evaluator.cli.main import CRASHED, DONE
    from evaluator.progress import Bar
    from evaluator.workloads import UnusableWorkload

    overrides = [word for word in options.given if "=" in word and not Path(word).exists()]
    files = candidate_files(word for word in options.given if word not in overrides)
    if options.matching not in MATCHINGS:
        raise unknown("matching", options.matching, MATCHINGS)
    try:
        settings, store = _settings(options, overrides)
    except UnusableWorkload as error:
        print(f"eplb: {error}", file=sys.stderr)
        return CRASHED
    try:
        parent = default_parent() if options.parent is None else read_program(options.parent)
    except EplbError as error:
        print(f"eplb: {error}", file=sys.stderr)
        return CRASHED
    entries = read_entries(files, parent, options.matching)
    programs = {entry.program.key: entry.program for entry in entries if entry.program is not None}
    try:
        with Judge(parent, settings, store) as judge, Bar() as bar:
            rows = judge.judge(list(programs.values()), bar)
            isolation = judge.isolation
    except (ParentUnusable, UnusableWorkload) as error:
        print(f"eplb: {error}", file=sys.stderr)
        return CRASHED
    said = report_on(entries, rows)
    heading = {"parent": parent.name, "matching": options.matching, "isolation": isolation, "programs": len(programs)}
    heading |= {"workload": settings.workload.name, "topology": settings.topology_name, "folder": str(store.folder)}
    if options.json:
        print(json.dumps(_document(heading, said), indent=2, default=str))
    else:
        _print(heading, said)
    return DONE


def _settings(options: argparse.Namespace, overrides: list[str]) -> tuple[Any, Any]:
    from eplb_variants import EplbError
    from evaluator.candidates.judging.judge import Settings
    from evaluator.candidates.judging.schema import ARROW
    from evaluator.candidates.sandbox.confine import Limits
    from evaluator.results.store import Store
    from evaluator.sweep.plan import make_plan

    for name in ("jobs", "wall_seconds", "total_seconds", "cpu_seconds", "memory_mib"):
        if getattr(options, name) <= 0:
            raise EplbError(f"--{name.replace('_', '-')} is {getattr(options, name)}: it must be above 0")
    plan = make_plan([*DEFAULTS, *overrides], config_dirs=options.config_dir)
    cell = plan.cells[0]
    store = Store(plan.folder, ARROW)
    store.prepare()
    seed = cell.seed if any(word.startswith("seed=") for word in overrides) else _hidden_seed(plan.folder)
    limits = Limits(options.wall_seconds, options.total_seconds, options.cpu_seconds, options.memory_mib)
    timing = None if plan.measure == "quality" else plan.timing
    settings = Settings(
        cell.workload,
        seed,
        cell.topology_name,
        cell.topology,
        plan.score,
        timing,
        limits,
        options.isolation,
        options.jobs,
    )
    return settings, store


def plain_settings() -> Any:
    """Return the settings of a command without any options: what the benchmark runs."""
    from evaluator.candidates.judging.judge import Settings
    from evaluator.candidates.sandbox.confine import Limits
    from evaluator.sweep.plan import make_plan

    plan = make_plan(DEFAULTS)
    cell = plan.cells[0]
    return Settings(cell.workload, 0, cell.topology_name, cell.topology, plan.score, None, Limits())


def _hidden_seed(folder: Path) -> int:
    """Return the seed that is kept in a run folder; drawn when the folder is new."""
    path = folder / "_seed"
    drawn = folder / f".seed-{secrets.token_hex(8)}"
    drawn.touch(mode=0o600)
    drawn.write_text(str(secrets.randbelow(2**31)), encoding="ascii")
    with contextlib.suppress(FileExistsError):  # there is one already: whole, whoever wrote it
        os.link(drawn, path)
    drawn.unlink()
    return int(path.read_text(encoding="ascii"))


def default_parent() -> Any:
    """Return the example program."""
    from importlib import resources

    from evaluator.candidates.program import Program

    example = resources.files("evaluator.examples").joinpath("programs", "balancer.py")
    return Program("balancer", example.read_text(encoding="utf-8"))


def _document(heading: dict[str, Any], said: list[dict[str, Any]]) -> dict[str, Any]:
    return {"schema_version": SCORES_JSON_VERSION, **heading, "candidates": said}


def _print(heading: dict[str, Any], said: list[dict[str, Any]]) -> None:
    from eplb_variants.errors import printable
    from evaluator.cli.terminal import console
    from evaluator.shown.verdicts import verdict_table

    terminal = console()
    print(f"{heading['workload']} on {heading['topology']}, parent {heading['parent']}, matching {heading['matching']}")
    print(f"isolation: {heading['isolation']}")
    terminal.print(verdict_table(said, terminal.width))
    for line in said:
        for note in line["notes"]:
            print(f"{line['candidate']}: {printable(note)}")
        if line.get("detail"):
            print(f"{line['candidate']}: {line['verdict']}: {printable(line['detail'])}")
    print(f"{len(said)} documents, {heading['programs']} distinct programs judged; parquet: {heading['folder']}")
