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
    from evaluator.progress import Bar
    from evaluator.sweep.plan import make_plan
    from evaluator.sweep.run import run as carry_out

    plan = make_plan(options.overrides, multirun=options.multirun, config_dirs=options.config_dir)
    for sentence in plan.left_out:
        print(f"eplb: left out: {sentence}", file=sys.stderr)
    with Bar() as bar:
        outcome = carry_out(plan, bar)
    return report(plan, outcome, as_json=options.json)


def report(plan: Plan, outcome: SweepResult, *, as_json: bool) -> int:
    """Print what came out, where it is and what to do next; return the exit code."""
    from evaluator.analysis.comparison import PICTURED, UNSEEN
    from evaluator.cli.main import CRASHED, DONE, USAGE
    from evaluator.results.schema import OK
    from evaluator.results.store import read_files

    frame = read_files([file for file in outcome.files if file.exists()], without=(*UNSEEN, *PICTURED))
    good = frame[frame["status"] == OK]
    if as_json:
        print(json.dumps(_document(plan, outcome, good), indent=2))
    elif len(good):
        _print_tables(plan, good)
    for name, reason in outcome.failed.items():
        print(f"eplb: failed: {name}: {reason}", file=sys.stderr)
    for name, reason in outcome.skipped.items():
        print(f"eplb: skipped: {name}: {reason}", file=sys.stderr)
    done = sys.stderr if as_json else sys.stdout
    print(
        f"{outcome.measured} cells measured, {outcome.timed} timed, {outcome.cached} were there already, "
        f"{len(outcome.failed)} failed, {len(outcome.skipped)} skipped; parquet: {outcome.folder}",
        file=done,
    )
    if len(good):
        print(f"next: eplb compare {outcome.folder} --reference {plan.reference.name}", file=done)
    if outcome.failed:
        print("the same command again runs only what failed", file=done)
        return CRASHED
    return DONE if len(good) else USAGE


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
    from evaluator.shown.tables import summary_table

    terminal = console()
    parts = by_workload(good)
    if len(parts) > MAX_TABLES:
        parts = [(f"all {len(parts)} workloads and topologies", good)]
    for title, summary in _summaries(plan, parts):
        terminal.print(summary_table(summary, plan.reference.name, title, terminal.width, plan.score.name))


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
