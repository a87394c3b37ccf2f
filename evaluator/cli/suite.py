"""``eplb suite``: what is in a suite, and whether this machine makes the same loads."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluator.shown.grid import Grid
    from evaluator.sweep.suite import Made

EPILOG = """\
examples:
  eplb suite eplb_1
  eplb evaluate -m suite=eplb_1 variant=deepseek,seed
  eplb score patches/ suite=eplb_1
  eplb suite mine --config-dir my_conf --freeze

A suite of your own is a file my_conf/suite/NAME.yaml after the example of conf/suite/eplb_1.yaml. --freeze prints the
hashes of its loads, to be put into it.

exit codes: 0 the loads are what they must be, or nothing says what they must be; 1 some are not; 2 usage
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("name", metavar="SUITE", help="which (eplb list suites)")
    parser.add_argument("--freeze", action="store_true", help="print the loads as a suite's file has them")
    parser.add_argument("--config-dir", action="append", default=[], metavar="DIR", help="a folder laid out as conf/")


def run(options: argparse.Namespace) -> int:
    """Make the loads, print what they are, and return 0, or 1 if some are not what they must be."""
    from evaluator.cli.main import DONE, GATE
    from evaluator.cli.terminal import console
    from evaluator.progress import Bar
    from evaluator.sweep.plan import make_plan
    from evaluator.sweep.suite import made_of

    plan = make_plan([f"suite={options.name}"], config_dirs=options.config_dir)
    assert plan.suite is not None
    with Bar() as bar:
        bar.start("traces", sum(len(one.stratum.seeds) for one in plan.suite.strata))
        made = made_of(plan.suite, bar.step)
    if options.freeze:
        for one in made:
            print(f"# {one.of_suite}\n    loads: [{', '.join(one.hashes.values())}]")
        return DONE
    console().print(table(plan.suite.name, made))
    differ = [(one.of_suite, seed) for one in made for seed in one.differing]
    for of_suite, seed in differ:
        print(f"eplb: {of_suite}, seed {seed}: another load than the suite was frozen with", file=sys.stderr)
    return GATE if differ else DONE


def table(name: str, made: Sequence[Made]) -> Grid:
    """Return a row for each stratum of a suite."""
    from evaluator.shown.grid import Grid

    rows = []
    for one in made:
        part, label, stratum = one.of_suite
        state = "not frozen" if stratum.frozen is None else ("others" if one.differing else "as frozen")
        shape = " x ".join(map(str, one.shape))
        rows.append((part, label, stratum.topology_name, str(len(stratum.seeds)), shape, state))
    header = ("part", "stratum", "topology", "traces", "windows x layers x experts", "loads")
    return Grid(name, header, rows, frozenset({"part", "stratum", "topology", "loads"}), "", (0, 0, 1, 0, 2, 0))
