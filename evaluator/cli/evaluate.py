"""``eplb evaluate``: run variants on workloads."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from evaluator.sweep.plan import Plan
    from evaluator.sweep.result import SweepResult

EPILOG = """\
overrides are Hydra's: GROUP=CHOICE picks a file of conf/GROUP, KEY=VALUE sets a value
  variant=seed                           which balancer (eplb list variants)
  workload=dsr1_decode                   which load (eplb list workloads)
  workload=recorded workload.path=FILE   a recording; its format is recognised
  topology=adrs topology.num_slots=320   which machine (eplb list topologies)
  variant.gpu_packer.refine_steps=2      a parameter of a stage
  stage/packer@variant.gpu_packer=diverse   another stage (eplb list stages)
  run=NAME                               folder under runs/; again, and it goes on
  reference=deepseek                     what all are compared with
  measure=quality|time|both  refresh=true  seed=0  timing.rounds=20
with -m every value may be a sweep: a,b,c  range(0,4)  glob(*)
on more cores: hydra/launcher=joblib hydra.launcher.n_jobs=4; on a cluster: hydra/launcher=submitit_slurm
"""
MAX_TABLES = 4
"""Workloads with a table each; more are summed up in one, and `eplb compare` shows them all."""

MAX_REASONS = 40
"""Cells that failed, or were skipped, with a line each."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("overrides", nargs="*", metavar="OVERRIDE", help="Hydra overrides, such as variant=seed")
    parser.add_argument("-m", "--multirun", action="store_true", help="allow sweeps and run all their cells")
    parser.add_argument(
        "--config-dir", action="append", default=[], metavar="DIR", help="a folder of your own, laid out as conf/"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")


def run(options: argparse.Namespace) -> int:
    """Evaluate and return the exit code."""
    from eplb_variants.kernels.ahead import prepare
    from evaluator.cli.terminal import say
    from evaluator.progress import Bar
    from evaluator.sweep.plan import make_plan

    plan = make_plan(options.overrides, multirun=options.multirun, config_dirs=options.config_dir)
    prepare(say)
    from evaluator.sweep.run import run as carry_out  # imports kernels, which compiles those that are not kept

    for sentence in plan.left_out:
        print(f"eplb: left out: {sentence}", file=sys.stderr)
    with Bar() as bar:
        outcome = carry_out(plan, bar)
    return report(plan, outcome, as_json=options.json)


def report(plan: Plan, outcome: SweepResult, *, as_json: bool) -> int:
    """Print what came out, where it is and what to do next; return the exit code."""
    from evaluator.analysis.comparison import PICTURED, UNSEEN
    from evaluator.cli.main import CRASHED, DONE, USAGE
    from evaluator.cli.terminal import own_command
    from evaluator.results.log import FOLDER
    from evaluator.results.schema import OK
    from evaluator.results.store import read_files

    frame = read_files([file for file in outcome.files if file.exists()], without=(*UNSEEN, *PICTURED))
    good = frame[frame["status"] == OK]
    for line in outcome.read:
        print(f"eplb: read {line}", file=sys.stderr)
    if as_json:
        print(json.dumps(_document(plan, outcome, good), indent=2))
    elif len(good):
        _print_tables(plan, good)
    _print_reasons("failed", outcome.failed)
    _print_reasons("skipped", outcome.skipped)
    done = sys.stderr if as_json else sys.stdout
    print(
        f"{outcome.measured} cells measured, {outcome.timed} timed, {outcome.cached} were there already, "
        f"{len(outcome.failed)} failed, {len(outcome.skipped)} skipped; parquet: {outcome.folder}",
        file=done,
    )
    if outcome.failed:
        again = "the same command without refresh=true" if plan.refresh else "the same command again"
        print(f"{again} runs only what failed; logs: {outcome.folder / FOLDER}", file=done)
    if len(good):
        print(f"next: {own_command()} compare {outcome.folder} --reference {plan.reference.name}", file=done)
    if outcome.failed:
        return CRASHED
    return DONE if len(good) else USAGE


def _print_reasons(what: str, reasons: dict[str, str]) -> None:
    """Say of each cell why, one by one while they are few, else once for each reason."""
    if len(reasons) <= MAX_REASONS:
        for name, reason in reasons.items():
            print(f"eplb: {what}: {name}: {reason}", file=sys.stderr)
        return
    by_reason: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        print(f"eplb: {what}: {names[0]}{more}: {reason}", file=sys.stderr)


def _summaries(plan: Plan, parts: list[tuple[str, pd.DataFrame]]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield title and summary of each part in which the reference was measured; without it nothing can be compared."""
    from evaluator.analysis.summary import summarise

    name = plan.reference.name
    for title, part in parts:
        if name in set(part["variant"]):
            yield title, summarise(part, name, plan.score)
        else:
            print(f"eplb: {title}: no table, for the reference {name!r} was not measured there", file=sys.stderr)


def _print_tables(plan: Plan, good: pd.DataFrame) -> None:
    from evaluator.analysis.summary import by_workload
    from evaluator.cli.terminal import console
    from evaluator.shown.tables import summary_grid

    terminal = console()
    parts = by_workload(good)
    if len(parts) > MAX_TABLES:
        parts = [(f"all {len(parts)} workloads and topologies", good)]
    for title, summary in _summaries(plan, parts):
        terminal.print(summary_grid(summary, plan.reference.name, title, plan.score.name))


def _document(plan: Plan, outcome: SweepResult, good: pd.DataFrame) -> dict[str, object]:
    from evaluator.analysis.summary import by_workload

    tables = {
        title: {"reference": plan.reference.name, "variants": json.loads(summary.to_json(orient="records"))}
        for title, summary in _summaries(plan, by_workload(good))
    }
    return {
        "schema_version": 1,
        "folder": str(outcome.folder),
        "measured": outcome.measured,
        "timed": outcome.timed,
        "cached": outcome.cached,
        "failed": outcome.failed,
        "skipped": outcome.skipped,
        "score": plan.score.name,
        "summaries": tables,
    }
