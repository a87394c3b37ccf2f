"""``eplb compare``: tables and plots from run folders."""

from __future__ import annotations

import argparse
import sys


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = "example:\n  eplb compare runs/default --reference seed_parent --out plots\n"
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders, such as runs/default")
    parser.add_argument("--reference", default="deepseek", metavar="VARIANT", help="what differences are to")
    parser.add_argument(
        "--out", metavar="DIR", help="folder for the plots; _plots/ in the first run where none is named"
    )
    parser.add_argument("--score", default="default", metavar="NAME", help="score to rank by (eplb list scores)")
    parser.add_argument("--config-dir", action="append", default=[], metavar="DIR", help="a folder with further scores")


def run(options: argparse.Namespace) -> int:
    """Print the tables, draw the plots and return 0."""
    from pathlib import Path

    from evaluator.cli.terminal import console
    from evaluator.compare.plots import draw_all
    from evaluator.compare.summary import by_workload, summarise
    from evaluator.compare.tables import summary_table
    from evaluator.config.session import load_score
    from evaluator.results.schema import OK
    from evaluator.results.store import read_runs

    score = load_score(options.score, options.config_dir)
    frame = read_runs(options.runs)
    good = frame[frame["status"] == OK]
    for _, row in frame[frame["status"] != OK].iterrows():
        where = f"{row['variant']} on {row['workload']}, {row['topology']}, seed {row['seed']}"
        print(f"eplb: {row['status']}: {where}: {row['reason']}", file=sys.stderr)
    summarise(good, options.reference)  # a mistaken name is said before anything is drawn
    terminal = console()
    parts = by_workload(good)
    if len(parts) > 1:
        parts.append((f"all {len(parts)} workloads and topologies", good))
    for title, part in parts:
        if options.reference not in set(part["variant"]):
            print(f"eplb: {title}: no table, for {options.reference!r} was not measured there", file=sys.stderr)
            continue
        summary = summarise(part, options.reference, score)
        terminal.print(summary_table(summary, options.reference, title, terminal.width, score.name))
    folder = Path(options.out) if options.out else Path(options.runs[0]) / "_plots"
    for file in draw_all(good, options.reference, folder):
        if file.suffix == ".png":
            print(f"plot: {file}")
    return 0
