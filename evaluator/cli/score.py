"""``eplb score``: judge candidates against their parent."""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

EPILOG = """\
a candidate is a file or a folder of files: SEARCH/REPLACE blocks (bare, fenced, in <DIFF>), <CODE>, a whole program
overrides are those of `eplb evaluate`, such as workload=dsr1_decode topology=vllm_wide score=leaderboard run=NAME

verdicts: rejected (did not apply), invalid (failed a check), timed out, identical placements, no difference,
better, worse; all but the first three come with paired differences, intervals and the ratio of times

stages: the hard loads; the first windows of every trace, where the hopeless are given up; the training part, which
the verdict and the score speak of; and for whatever is better there the held-out part, which confirms it or not

examples:
  eplb score examples/candidates
  eplb score patch.txt --parent balancer.py workload=recorded workload.path=trace.npz workload.interval=16
  eplb score patches/ --matching shinka --json > verdicts.json

many at once: --jobs N on this machine; on a cluster hydra/launcher=submitit_slurm, set up as for `eplb evaluate`: each
job tries a share of the programs, and one more takes all times

The traces of a synthetic workload are drawn anew for every command, so that no program is made for the windows that it
will be judged on; seed=N sets them. Exit codes: 0 all were judged, 2 usage or configuration, or a job was lost, 3 the
workload or the parent cannot be used.
"""
SCORES_JSON_VERSION = 1
MOST = {
    "jobs": 1024,
    **{"wall_seconds": 1_000_000, "total_seconds": 10_000_000, "cpu_seconds": 1_000_000, "memory_mib": 1 << 24},
}
"""The most that options may say: beyond it the system's own numbers end."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("given", nargs="+", metavar="CANDIDATE|OVERRIDE", help="files, folders, and Hydra overrides")
    parser.add_argument("--parent", metavar="PROGRAM", help="what the candidates change; the example program if none")
    parser.add_argument("--matching", default="exact-line", metavar="SEMANTICS", help="how a SEARCH is matched")
    parser.add_argument("--traces", type=int, metavar="N", help="traces of the training part (default: 10)")
    parser.add_argument("--held-out", type=int, metavar="N", help="traces of the held-out part (default: 20; 0: none)")
    parser.add_argument("--strict", action="store_true", help="other topologies' hard loads decide too")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="programs tried at once; timing never shares")
    parser.add_argument("--isolation", default="auto", choices=("auto", "none"), help="none runs programs unconfined")
    parser.add_argument("--wall-seconds", type=float, default=20.0, help="for loading and for each call (default: 20)")
    parser.add_argument("--total-seconds", type=float, default=600.0, help="for each part (default: 600)")
    parser.add_argument("--cpu-seconds", type=int, default=60, help="of a process's whole life (default: 60)")
    parser.add_argument("--memory-mib", type=int, default=2048, help="beyond what torch takes (default: 2048)")
    parser.add_argument("--config-dir", action="append", default=[], metavar="DIR", help="a folder laid out as conf/")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the table")


def run(options: argparse.Namespace) -> int:
    """Judge and return the exit code."""
    from eplb_variants.kernels.ahead import prepare
    from evaluator.cli.terminal import say

    prepare(say)  # the judge imports kernels, which would compile those that are not kept without a word
    from evaluator.candidates.judging.judge import ParentUnusable
    from evaluator.candidates.sandbox.limits import Limits
    from evaluator.candidates.scoring import score_candidates, with_defaults
    from evaluator.candidates.settings import Choices
    from evaluator.cli.main import CRASHED, DONE
    from evaluator.progress import Bar
    from evaluator.sweep.plan import make_plan
    from evaluator.workloads import UnusableWorkload

    _must_be_positive(options)
    for stream in (sys.stdout, sys.stderr):  # a name with a letter that they lack must not end it all
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    overrides = [word for word in options.given if "=" in word and not Path(word).exists()]
    limits = Limits(options.wall_seconds, options.total_seconds, options.cpu_seconds, options.memory_mib)
    try:
        plan = make_plan(with_defaults(overrides), config_dirs=options.config_dir)
        seed = plan.cells[0].seed if any(word.startswith("seed=") for word in overrides) else None
        choices = Choices(
            seed, limits, options.isolation, options.jobs, options.traces, options.held_out, options.strict
        )
        with Bar() as bar:
            scores = score_candidates(
                [word for word in options.given if word not in overrides],
                plan,
                parent=options.parent,
                matching=options.matching,
                choices=choices,
                progress=bar,
            )
    except (ParentUnusable, UnusableWorkload) as error:
        print(f"eplb: {error}", file=sys.stderr)
        return CRASHED
    if options.json:
        document = {"schema_version": SCORES_JSON_VERSION, **scores.heading, "candidates": scores.rows}
        print(json.dumps(document, indent=2, default=str))
    else:
        _print(scores.heading, scores.rows)
    return DONE


def _must_be_positive(options: argparse.Namespace) -> None:
    from eplb_variants.errors import EplbError

    for name, most in MOST.items():
        value = getattr(options, name)
        if value is not None and not 0 < value <= most:  # NaN is neither
            sign = f"--{name.replace('_', '-')} is {value}"
            raise EplbError(f"{sign}: it must be above 0" + (f", and {most:,} at most" if value > most else ""))


def _print(heading: dict[str, Any], said: list[dict[str, Any]]) -> None:
    from eplb_variants.errors import printable
    from evaluator.candidates.docket import shared_notes
    from evaluator.cli.terminal import console
    from evaluator.shown.verdicts import verdict_grid

    where = f"{heading['workload']} on {heading['topology']}"
    print(f"{heading['suite'] or where}, parent {printable(heading['parent'])}, matching {heading['matching']}")
    print(f"traces: {heading['training_traces']} to train on, {heading['held_out_traces']} held out")
    print(f"isolation: {heading['isolation']}")
    console().print(verdict_grid(said))
    for who, note in shared_notes(said):
        print(f"{printable(who)}: {printable(note)}")
    for line in said:
        if line["detail"]:
            print(f"{printable(line['candidate'])}: {line['verdict']}: {printable(line['detail'])}")
        if line.get("fails_on"):
            print(f"{printable(line['candidate'])}: not portable: it fails on {line['fails_on']}")
    documents, programs = _counted(len(said), "document"), _counted(heading["programs"], "distinct program")
    print(f"{documents}, {programs} judged; parquet: {printable(heading['folder'])}")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
