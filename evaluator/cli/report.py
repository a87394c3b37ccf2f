"""``eplb report``: one HTML page from run folders."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    from evaluator.cli.compare import add_dispatch

    parser.epilog = "example:\n  eplb report runs/default --reference seed_parent -o report.html\n"
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders, such as runs/default")
    parser.add_argument(
        "-o", "--out", metavar="FILE", help="the page; _report.html in the first run where none is named"
    )
    parser.add_argument(
        "--reference",
        metavar="VARIANT",
        help="what differences are to (default: deepseek, or what the run was timed beside)",
    )
    parser.add_argument("--score", default="default", metavar="NAME", help="score to show (eplb list scores)")
    add_dispatch(parser)
    parser.add_argument("--config-dir", action="append", default=[], metavar="DIR", help="a folder with further scores")


def run(options: argparse.Namespace) -> int:
    """Write the page and return 0."""
    from evaluator.reports.making import make_report
    from evaluator.sweep.plan import load_score

    score = load_score(options.score, options.config_dir)
    made = make_report(options.runs, score, options.reference, options.out, options.dispatch)
    if made.failures:
        print(f"{made.failures} cells failed or were skipped: the report says why")
    print(f"report: {made.path}")
    return 0
