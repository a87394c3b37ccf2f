"""``eplb report``: one HTML page from run folders."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
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
    parser.add_argument("--config-dir", action="append", default=[], metavar="DIR", help="a folder with further scores")


def run(options: argparse.Namespace) -> int:
    """Write the page and return 0."""
    from pathlib import Path

    from evaluator.analysis.comparison import comparison_of
    from evaluator.config.session import load_score
    from evaluator.reports.data import choose_reference, report_data
    from evaluator.reports.page import render, write
    from evaluator.results.schema import OK
    from evaluator.results.store import read_runs

    score = load_score(options.score, options.config_dir)
    frame = read_runs(options.runs)
    reference = options.reference or choose_reference(frame)
    comparison = comparison_of(frame[frame["status"] == OK], reference, score)
    data = report_data(comparison, frame, options.runs)
    path = Path(options.out) if options.out else Path(options.runs[0]) / "_report.html"
    write(render(data), path)
    if data["failures"]:
        print(f"{len(data['failures'])} cells failed or were skipped: the report says why")
    print(f"report: {path}")
    return 0
