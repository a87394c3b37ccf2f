"""``eplb search``: look for compositions of stages that are better, quicker or move less."""

from __future__ import annotations

import argparse
import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from evaluator.progress import Progress

EPILOG = """\
Overrides say what is searched on, as for `eplb score`: suite=eplb_1 (the default), or a workload and a topology.
Stages and the ranges of their parameters follow from what is registered, yours included. The study is a file: the same
command goes on with it, and --trials counts those that are in it. Expert groups stay on their nodes where they divide
over them, as in DeepSeek's API; --any-node lets them go anywhere.

--programs searches over programs instead, by documents of a library in place of a model's: a parent is chosen, a
document made, applied, judged and put on the record of a study (--study), which eplb evolve report and import read.

examples:
  eplb search --trials 300 --workers 2
  eplb search --trials 300 --file runs/mine.db --dispatch flow workload=dsr1_decode topology=adrs_global
  eplb search --trials 0 --out found/                    # the front of what was tried, and the files
  eplb search --programs --trials 200 --workers 2 workload=dsr1_decode topology=vllm_wide
  eplb evaluate --config-dir found -m variant=deepseek,found_0042 suite=eplb_1
"""
SUITE = "suite=eplb_1"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("overrides", nargs="*", metavar="OVERRIDE", help=f"what is searched on (default: {SUITE})")
    parser.add_argument("--trials", type=int, default=100, metavar="N", help="in all (default: 100)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that try (default: 1)")
    parser.add_argument("--file", default="runs/search.db", metavar="FILE", help="of the study (runs/search.db)")
    parser.add_argument("--out", metavar="DIR", help="write the front into DIR/variant, or the best programs into DIR")
    parser.add_argument("--programs", action="store_true", help="search over programs, by documents of a library")
    parser.add_argument("--study", default="runs/studies/programs", metavar="DIR", help="of programs (%(default)s)")
    parser.add_argument("--parent", metavar="PROGRAM", help="that such a search begins with; the example if none")
    parser.add_argument("--seed", type=int, default=0, help="of the choices of a search over programs (0)")
    parser.add_argument("--dispatch", choices=("even", "flow"), default="even", help="how tokens are split")
    parser.add_argument("--any-node", action="store_true", help="expert groups need not stay on their nodes")
    parser.add_argument("--place-seconds", type=float, default=1.0, help="a variant that is slower is none (1)")
    starts = ("random", "floors", "shipped")
    parser.add_argument("--from", dest="start", choices=starts, default="random", help="what is tried first (random)")
    parser.add_argument("--beside-shipped", action="store_true", help="measure the shipped variants beside the front")
    parser.add_argument("--no-held-out", action="store_true", help="do not measure the front on the held-out part")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the table")


def run(options: argparse.Namespace) -> int:
    """Search, then show the front; return the exit code."""
    from eplb_variants.errors import EplbError, printable
    from evaluator.cli.main import DONE
    from evaluator.cli.terminal import console, say

    for name, least in (("trials", 0), ("workers", 1)):
        if not least <= getattr(options, name) <= 1_000_000:
            raise EplbError(f"--{name} is {getattr(options, name)}: it must be {least} or more, and a million at most")
    if options.programs:
        return _over_programs(options)
    if find_spec("optuna") is None:
        raise EplbError("eplb search needs Optuna: pip install 'eplb-lab[search]'")
    from evaluator.progress import Bar
    from evaluator.searching.study import (
        Search,
        ended_of,
        front_of,
        held_out_worth,
        opened,
        shipped_beside,
        write_variants,
    )
    from evaluator.searching.study import run as search_on
    from evaluator.shown.fronts import front_grid, front_values, shipped_grid

    if not options.place_seconds > 0:
        raise EplbError(f"--place-seconds is {options.place_seconds}: it must be above 0")
    search = Search(
        Path(options.file),
        tuple(options.overrides or [SUITE]),
        place_seconds=options.place_seconds,
        by_load=options.dispatch == "flow",
        start=options.start,
        any_node=options.any_node,
    )
    with Bar() as bar:
        search_on(search, options.trials, options.workers, counting(bar, "trials", options.trials))
    members = front_of(search)
    held_out = None if options.no_held_out or not members else held_out_worth(search, members)
    shipped = shipped_beside(search, members) if options.beside_shipped else None
    files = write_variants(members, Path(options.out)) if options.out else []
    if options.json:
        print(json.dumps(front_values(members, held_out, shipped), indent=2))
        return DONE
    study = opened(search)
    print(f"study: {printable(str(search.file))}, {ended_of(study)} trials")
    if members:
        console().print(front_grid(members, held_out))
    else:
        print("no trial has come to an end")
    if shipped is not None:
        console().print(shipped_grid(shipped))
    if files:
        say(f"{len(files)} variants in {printable(str(files[0].parent))}")
    return DONE


def counting(bar: Progress, what: str, total: int) -> Callable[[int], None]:
    """Return a function that is told how many there are, now and then, and moves the bar on."""
    bar.start(what, total)
    done = 0

    def told(found: int) -> None:
        nonlocal done
        for _ in range(done, min(found, total)):
            bar.step("tried")
        done = max(done, found)

    return told


def _over_programs(options: argparse.Namespace) -> int:
    from evaluator.candidates.program import example_program, read_program
    from evaluator.cli.evolve import tell
    from evaluator.evolve.mutating.loop import search
    from evaluator.evolve.study import study_at
    from evaluator.progress import Bar

    parent = read_program(options.parent) if options.parent else example_program()
    study = study_at(options.study, parent.source, options.overrides)
    with Bar() as bar:
        told = counting(bar, "programs", options.trials)
        search(study, options.trials, options.workers, options.seed, told)
    return tell(study, 5, options.out, as_json=options.json)
