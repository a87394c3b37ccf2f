"""``eplb ablate``: what each swept factor does, and each pair beyond that."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from evaluator.analysis.ablation.factors import Design

EPILOG = """\
examples:
  eplb evaluate -m experiment=seed_factorial
  eplb ablate runs/seed_factorial --reference seed_parent
  eplb ablate runs/ties --metric balancedness_gpu_next --csv effects.csv
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders, such as runs/seed_factorial")
    parser.add_argument(
        "--reference", metavar="VARIANT", help="whose levels others are judged against; else the smallest or first ones"
    )
    parser.add_argument(
        "--metric", action="append", default=[], metavar="NAME", help="only this one; may be given several times"
    )
    parser.add_argument("--all", action="store_true", help="list every interaction, not only those that differ")
    parser.add_argument(
        "--out", metavar="DIR", help="folder for the figure; _plots/ in the first run where none is named"
    )
    parser.add_argument("--csv", metavar="FILE", help="write all effects to a file")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the table")


def run(options: argparse.Namespace) -> int:
    """Print the effects, draw them and return 0."""
    from pathlib import Path

    import pandas as pd

    from evaluator.analysis.ablation.study import study_of
    from evaluator.cli.terminal import console, say_failures
    from evaluator.files import plots_folder
    from evaluator.results.schema import OK
    from evaluator.results.store import read_runs
    from evaluator.shown.ablation.plot import draw_effects
    from evaluator.shown.ablation.table import effects_grid
    from evaluator.shown.ablation.words import extent_of, record
    from evaluator.shown.exports import write_csv

    frame = read_runs(options.runs)
    say_failures(frame[frame["status"] != OK])
    study = study_of(frame, options.reference, options.metric)
    design, effects, extent = study.design, study.effects, extent_of(study.good)
    if study.set_aside:
        print(f"eplb: pathological workloads are left out: {', '.join(study.set_aside)}", file=sys.stderr)
    _warn_of_times(study.good, study.times_left_out)
    records = [record(effect) for effect in effects]
    files = draw_effects(effects, extent, plots_folder(options.runs, options.out))
    if options.csv:
        write_csv(pd.DataFrame(records), Path(options.csv))
        files.append(Path(options.csv))
    if options.json:
        print(json.dumps({**_document(design, options.runs), "over": extent.over, "effects": records}, indent=2))
    else:
        heading = f"{', '.join(options.runs)}: main effects and interactions"
        console().print(effects_grid(effects, design, extent, heading, options.all))
    for file in files:
        if file.suffix != ".svg":
            print(
                f"{'plot' if file.suffix == '.png' else 'csv'}: {file}", file=sys.stderr if options.json else sys.stdout
            )
    return 0


def _warn_of_times(good: pd.DataFrame, times_left_out: str | None) -> None:
    """Say on stderr why times are left out, or how far they can be trusted."""
    if times_left_out is not None:
        reason = f"because they were taken {times_left_out}, and such ratios have no mean"
        print(f"eplb: times are left out, {reason}", file=sys.stderr)
        return
    cells = good.drop_duplicates("cell").dropna(subset=["time_ratio"])
    crowded = int((cells["timing_valid"] == False).sum())  # noqa: E712 (a column that may hold nulls)
    if crowded:
        print(f"eplb: {crowded} of {len(cells)} times were not taken alone on the machine", file=sys.stderr)


def _document(design: Design, runs: list[str]) -> dict[str, Any]:
    from evaluator.analysis.ablation.factors import level_text

    return {
        "schema_version": 1,
        "runs": runs,
        "factors": [{"name": f.name, "levels": list(map(level_text, f.levels))} for f in design.factors],
        "strata": {name: list(map(level_text, levels)) for name, levels in design.strata.items()},
        "notes": list(design.notes),
    }
