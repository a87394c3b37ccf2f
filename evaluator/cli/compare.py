"""``eplb compare``: tables, plots, exports and a gate from run folders."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from evaluator.analysis.comparison import Comparison
    from evaluator.analysis.ties import Ties
    from evaluator.shown.grid import Grid

STDOUT = "-"
RENAMINGS = 10
"""Where ``--ties`` does not say how many."""
"""In place of a file's name."""
EPILOG = """\
examples:
  eplb compare runs/default --reference seed_parent --out plots
  eplb compare runs/default --by window
  eplb compare runs/default --ties
  eplb compare runs/peers --where topology=adrs_global --dispatch flow
  eplb compare runs/mine --with archive                  # of a run on suite=eplb_1
  eplb compare runs/default --no-plots --markdown - | gh pr comment --body-file -
  eplb compare runs/default --json --no-plots --fail-if-worse=seed > comparison.json

exit codes: 0 done, 1 the gate of --fail-if-worse says no, 2 usage or configuration
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders, such as runs/default")
    parser.add_argument("--reference", default="deepseek", metavar="VARIANT", help="what differences are to")
    parser.add_argument(
        "--by",
        choices=["window", "layer"],
        help="instead of summaries: the difference on each window; the peak of each layer on the pictured window",
    )
    parser.add_argument(
        "--ties",
        type=int,
        nargs="?",
        const=RENAMINGS,
        metavar="N",
        help="also what ties do: the reference placed again with experts renamed, N times "
        f"(default: {RENAMINGS}); workloads are made or read again",
    )
    parser.add_argument("--score", default="default", metavar="NAME", help="score in the tables (eplb list scores)")
    parser.add_argument("--config-dir", action="append", default=[], metavar="DIR", help="a folder with further scores")
    parser.add_argument(
        "--out", metavar="DIR", help="folder for the plots; _plots/ in the first run where none is named"
    )
    add_dispatch(parser)
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="COLUMN=VALUE,...",
        help="only rows with one of these values, such as topology=adrs; may be given again (variant, workload, "
        "topology, seed)",
    )
    parser.add_argument(
        "--with",
        dest="beside",
        choices=("archive",),
        help="archive: beside the shipped variants' results that ship, for a run on suite=eplb_1",
    )
    parser.add_argument("--part", choices=("training", "held-out"), help="of suites, one part alone")
    parser.add_argument("--no-plots", action="store_true", help="draw nothing")
    parser.add_argument("--csv", metavar="FILE", help="write the rows of all tables as CSV")
    parser.add_argument("--latex", metavar="FILE", help="write the tables for LaTeX (booktabs)")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables as GitHub markdown; - prints them instead")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    parser.add_argument(
        "--fail-if-worse",
        action="append",
        nargs="?",
        metavar="VARIANT",
        help="exit with 1 if a variant is worse than the reference over all workloads, or was not measured everywhere; "
        "=VARIANT judges that one alone, and may be given again; without it all are judged",
    )


def add_dispatch(parser: argparse.ArgumentParser) -> None:
    """Add the argument that says how tokens are split."""
    parser.add_argument(
        "--dispatch",
        choices=["even", "flow", "near"],
        default="even",
        help="how tokens are split over the replicas of their expert: evenly (default); by load, as well as can be; or "
        "so that they leave the node of their expert's group only while balancedness is below .95",
    )


def run(options: argparse.Namespace) -> int:
    """Print what was asked for, write it, draw it, and return 0, or 1 if the gate says no."""
    from eplb_variants.errors import EplbError
    from evaluator.analysis.chosen import chosen
    from evaluator.analysis.comparison import PICTURED, UNSEEN, comparison_of, view_frame
    from evaluator.analysis.dispatched import under
    from evaluator.analysis.gate import objections
    from evaluator.cli.main import DONE, GATE
    from evaluator.results.archived import beside_archive
    from evaluator.results.schema import OK
    from evaluator.results.store import read_runs
    from evaluator.sweep.plan import load_score

    if options.json and options.markdown == STDOUT:
        raise EplbError("--json and --markdown - both print on standard output: name a file for one of them")
    score = load_score(options.score, options.config_dir)
    pictures = options.by == "layer" or not options.no_plots
    if options.ties is not None and options.ties < 2:
        raise EplbError(f"--ties is {options.ties}: what ties do shows in 2 renamings or more")
    unseen = [name for name in UNSEEN if options.ties is None or name != "overrides"]
    frame = read_runs(options.runs, without=unseen if pictures else (*unseen, *PICTURED))
    frame = _of_part(beside_archive(frame) if options.beside else frame, options.part)
    frame = under(chosen(frame, options.where), options.dispatch)
    good, failed = frame[frame["status"] == OK], frame[frame["status"] != OK]
    comparison = comparison_of(good, options.reference, score)
    gate = options.fail_if_worse
    against = [] if gate is None else objections(comparison.overall.summary, options.reference, [n for n in gate if n])
    view = view_frame(comparison, options.by) if options.by else None
    ties = _ties(options, comparison)
    _say_what_is_missing(comparison, failed)
    _print(options, comparison, view, ties, failed, against)
    _export(options, comparison, view, ties)
    _draw(options, comparison)
    for sentence in against:
        print(f"eplb: gate: {sentence}", file=sys.stderr)
    return GATE if against else DONE


def _of_part(frame: pd.DataFrame, part: str | None) -> pd.DataFrame:
    """Return the rows of a part of suites; all where none is named."""
    from eplb_variants.errors import EplbError

    if part is None:
        return frame
    chosen = frame[frame["part"] == part] if "part" in frame else frame[:0]
    if chosen.empty:
        raise EplbError(f"nothing was measured on a {part} part: only cells of suites have one (eplb list suites)")
    return chosen


def _say_what_is_missing(comparison: Comparison, failed: pd.DataFrame) -> None:
    from evaluator.cli.terminal import say_failures

    say_failures(failed)
    for title in comparison.without_reference:
        print(f"eplb: {title}: no table, because {comparison.reference!r} was not measured there", file=sys.stderr)
    for name in comparison.left_out:
        print(f"eplb: {name} is not aggregated: it was not measured on all that the reference was", file=sys.stderr)


def _print(
    options: argparse.Namespace,
    comparison: Comparison,
    view: pd.DataFrame | None,
    ties: list[Ties],
    failed: pd.DataFrame,
    against: list[str],
) -> None:
    from evaluator.cli.terminal import console
    from evaluator.shown.exports import document, records, to_markdown
    from evaluator.shown.rendering import MARKDOWN_WIDTH, terminal_grids

    if options.json:
        more: dict[str, object] = {"gate": against} if options.fail_if_worse is not None else {}
        if view is not None:
            more |= {f"by_{options.by}": records(view)}
        if ties:
            more |= {"ties": [one._asdict() for one in ties]}
        print(json.dumps(document(comparison, options.score, failed) | more, indent=2))
        return
    if options.markdown == STDOUT:
        print("\n".join(map(to_markdown, _grids(options, comparison, view, ties, MARKDOWN_WIDTH))), end="")
        return
    terminal = console()
    grids = terminal_grids(comparison, options.score, terminal.width, options.by, view)
    for grid in [*grids, *_control(comparison, ties)]:
        terminal.print(grid)


def _ties(options: argparse.Namespace, comparison: Comparison) -> list[Ties]:
    """Return what ties do on each load; nothing where that was not asked for."""
    if options.ties is None:
        return []
    from evaluator.analysis.ties import ties_of
    from evaluator.sweep.renamed import renamed_means

    means = {}
    for part in comparison.parts:
        own = part.rows[part.rows["variant"] == comparison.reference]
        means[part.title] = renamed_means(own, options.ties, options.config_dir)
    return ties_of(comparison, means)


def _grids(
    options: argparse.Namespace, comparison: Comparison, view: pd.DataFrame | None, ties: list[Ties], width: int
) -> list[Grid]:
    from evaluator.shown.rendering import grids_of

    return [*grids_of(comparison, options.score, width, options.by, view), *_control(comparison, ties)]


def _control(comparison: Comparison, ties: list[Ties]) -> list[Grid]:
    from evaluator.shown.ties import ties_grid

    return [ties_grid(ties, comparison.reference)] if ties else []


def _export(options: argparse.Namespace, comparison: Comparison, view: pd.DataFrame | None, ties: list[Ties]) -> None:
    from evaluator.shown.exports import summaries_frame, write_csv, write_latex, write_markdown
    from evaluator.shown.rendering import LATEX_WIDTH, MARKDOWN_WIDTH

    if options.csv:
        write_csv(summaries_frame(comparison) if view is None else view, Path(options.csv))
        _say(options, f"csv: {options.csv}")
    if options.latex:
        write_latex(_grids(options, comparison, view, ties, LATEX_WIDTH), Path(options.latex))
        _say(options, f"latex: {options.latex}")
    if options.markdown and options.markdown != STDOUT:
        write_markdown(_grids(options, comparison, view, ties, MARKDOWN_WIDTH), Path(options.markdown))
        _say(options, f"markdown: {options.markdown}")


def _draw(options: argparse.Namespace, comparison: Comparison) -> None:
    if options.no_plots:
        return
    from evaluator.files import plots_folder
    from evaluator.shown.plots import draw_all  # matplotlib is most of what starting takes

    rows, summary = comparison.overall.rows, comparison.overall.summary
    folder = plots_folder(options.runs, options.out)
    for file in draw_all(rows, options.reference, folder, summary):
        if file.suffix == ".png":
            _say(options, f"plot: {file}")


def _say(options: argparse.Namespace, sentence: str) -> None:
    """Say what was written: below the tables, but never into a document that a program reads."""
    print(sentence, file=sys.stderr if options.json or options.markdown == STDOUT else sys.stdout)
