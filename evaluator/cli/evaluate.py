"""``eplb evaluate``: run variants on workloads."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
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
completion in bash: eval "$(eplb evaluate -sc install=bash)"
"""
MAX_NAMED = 12
"""Names of a kind that a dry run writes out."""
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
        "-cd",
        "--config-dir",
        action="append",
        default=[],
        metavar="DIR",
        help="a folder of your own, laid out as conf/; its choices come before the package's",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    of_hydra = parser.add_argument_group("what Hydra shows, and nothing is run")
    of_hydra.add_argument("-c", "--cfg", choices=("job", "hydra", "all"), help="print the configuration")
    of_hydra.add_argument("--resolve", action="store_true", help="with --cfg: put values in the place of references")
    of_hydra.add_argument("-p", "--package", metavar="KEY", help="with --cfg: a part of it, such as variant")
    of_hydra.add_argument(
        "-i",
        "--info",
        nargs="?",
        const="all",
        choices=("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
        help="print what Hydra makes the configuration from",
    )
    of_hydra.add_argument("-sc", "--shell-completion", metavar="install=bash", help="print what makes a shell complete")


def run(options: argparse.Namespace) -> int:
    """Evaluate, or show what would be, and return the exit code."""
    if _shown(options):
        return 0
    from eplb_variants.kernels.ahead import prepare
    from evaluator.cli.terminal import say
    from evaluator.progress import Bar
    from evaluator.sweep.plan import make_plan

    plan = make_plan(options.overrides, multirun=options.multirun, config_dirs=options.config_dir)
    for sentence in plan.left_out:
        print(f"eplb: left out: {sentence}", file=sys.stderr)
    if options.dry_run:
        return _preview(plan, as_json=options.json)
    prepare(say)
    from evaluator.sweep.run import run as carry_out  # imports kernels, which compiles those that are not kept

    with Bar() as bar:
        outcome = carry_out(plan, bar)
    return report(plan, outcome, as_json=options.json)


def _shown(options: argparse.Namespace) -> bool:
    """Show what Hydra's flags ask for, and return whether any did."""
    from eplb_variants.errors import EplbError

    if options.shell_completion:
        from evaluator.cli.completion import complete

        complete(options.shell_completion)
        return True
    if not (options.cfg or options.info):
        if options.resolve or options.package:
            raise EplbError("--resolve and --package say how --cfg prints: add --cfg job")
        return False
    if options.multirun or (options.cfg and options.info):
        raise EplbError("--cfg and --info show one configuration: give one of them, without -m")
    from evaluator.config.application import show

    flags = ["--cfg", options.cfg] if options.cfg else ["--info", options.info]
    flags += ["--resolve"] if options.resolve else []
    flags += ["--package", options.package] if options.package else []
    show(flags, options.overrides, options.config_dir)
    return True


def _preview(plan: Plan, *, as_json: bool) -> int:
    """Say what a plan would do."""
    from dataclasses import asdict

    from evaluator.sweep.preview import preview

    seen = preview(plan)
    parts = {
        "variants": [cell.variant.name for cell in plan.cells],
        "workloads": [cell.workload.name for cell in plan.cells],
        "topologies": [cell.topology_name for cell in plan.cells],
        "seeds": [str(cell.seed) for cell in plan.cells],
    }
    distinct = {what: list(dict.fromkeys(names)) for what, names in parts.items()}
    if as_json:
        print(json.dumps({"schema_version": 1, "folder": str(plan.folder), **distinct, **asdict(seen)}, indent=2))
        return 0
    for what, names in distinct.items():
        print(
            f"{what}: {', '.join(names[:MAX_NAMED])}{f' and {len(names) - MAX_NAMED} more' * (len(names) > MAX_NAMED)}"
        )
    failed = f" ({seen.failed} failed before)" if seen.failed else ""
    print(
        f"{seen.cells} cells: {seen.cached} are there already, {seen.to_measure} would be measured{failed}, "
        f"{seen.to_time} timed; parquet: {plan.folder}"
    )
    takes = "" if seen.seconds is None else f"about {seen.seconds:.0f} s, "
    print(f"time: {takes}{seen.rule}")
    return 0


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
    if as_json:
        print(json.dumps(_document(plan, outcome, good), indent=2))
    elif len(good):
        _print_tables(plan, good)
    _print_reasons("failed", outcome.failed)
    _print_reasons("skipped", outcome.skipped)
    for reason, jobs in Counter(outcome.lost).items():
        print(f"eplb: {jobs} of the launcher's jobs lost: {reason}", file=sys.stderr)
    done = sys.stderr if as_json else sys.stdout
    print(
        f"{outcome.measured} cells measured, {outcome.timed} timed, {outcome.cached} were there already, "
        f"{len(outcome.failed)} failed, {len(outcome.skipped)} skipped; parquet: {outcome.folder}",
        file=done,
    )
    if outcome.failed or outcome.lost:
        again = "the same command without refresh=true" if plan.refresh else "the same command again"
        what = "what failed or is missing" if outcome.lost else "what failed"
        print(f"{again} runs only {what}; logs: {outcome.folder / FOLDER}", file=done)
    if len(good):
        print(f"next: {own_command()} compare {outcome.folder} --reference {plan.reference.name}", file=done)
    if outcome.failed or outcome.lost:
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
            print(f"eplb: {title}: no table, because the reference {name!r} was not measured there", file=sys.stderr)


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
        "lost": outcome.lost,
        "score": plan.score.name,
        "summaries": tables,
    }
