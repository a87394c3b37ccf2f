"""``eplb evolve``: folders for evolution engines, and the score that they ask for."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaluator.evolve.study import Study

EPILOG = """\
examples:
  eplb evolve init openevolve search/         # then: sh search/run.sh
  eplb evolve init gepa search/ --parent balancer.py --model gpt-5-mini --api-base https://api.example.com/v1 \\
      workload=dsr1_decode topology=vllm_wide
  eplb evolve score runs/studies/search program.py
  eplb evolve report runs/studies/search --best 5 --out best/
  eplb evolve import search/output --jobs 2 suite=eplb_1

`init` makes a study (what programs are judged by, and all that is found) and a folder that the engine starts from: the
program, an evaluator in the engine's contract, settings, a README. The engine may be installed in any environment.

`import` reads what an engine left behind anywhere (checkpoints of OpenEvolve and SkyDiscover, a run of ShinkaEvolve,
GEPA's candidates, a study's record, a folder of patches with their parents), applies each document as its engine did
and as it was meant, and judges every distinct program. The same command goes on where it was killed; hydra/launcher=...
spreads the work.

exit codes: 0 done, 2 usage, 3 the seed program or the workload cannot be judged, 4 the bench failed
"""


MOST_JOBS = 1024
ACTIONS = {
    "init": "write a folder that an engine starts from, and make its study",
    "score": "judge one program of a study in this process, and print the answer",
    "report": "what a search found, and what of it holds on traces that it has not seen",
    "import": "judge what an engine left behind: what holds, what was noise, what broke by the way it was applied",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    from evaluator.evolve.starting import API_BASE, ENGINES, MODEL
    from evaluator.evolve.study import IDLE_SECONDS, SECONDS, TRACES

    parser.epilog = EPILOG
    parser.add_argument("action", choices=tuple(ACTIONS), help="; ".join(f"{a}: {what}" for a, what in ACTIONS.items()))
    parser.add_argument(
        "given",
        nargs="+",
        metavar="ARGUMENT",
        help=f"init: ENGINE ({', '.join(ENGINES)}), DIR, overrides of eplb score; score: STUDY, FILE; report: STUDY; "
        "import: DIR, overrides of eplb score",
    )
    parser.add_argument("--study", metavar="DIR", help="of init and import: where it is (default: runs/studies/NAME)")
    parser.add_argument("--parent", metavar="PROGRAM", help="the initial program; the example program if none")
    parser.add_argument(
        "--traces", type=int, default=TRACES, metavar="N", help=f"that programs are judged on (default: {TRACES})"
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of an evaluation (default: {SECONDS:g})")
    idle = f"after which the scorer ends (default: {IDLE_SECONDS:g})"
    parser.add_argument("--idle-seconds", type=float, default=IDLE_SECONDS, metavar="SECONDS", help=idle)
    parser.add_argument("--time", action="store_true", help="programs are timed too: many times as long")
    parser.add_argument("--outside", action="store_true", help="what is outside the EVOLVE-BLOCKs may be changed")
    parser.add_argument(
        "--layout", metavar="NAME", help="of what is imported: an engine, study or pairs; found out if none"
    )
    parser.add_argument("--matching", metavar="M", help="how imported documents were applied, where nobody says")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="imported programs tried at once (default: 1)")
    parser.add_argument("--best", type=int, default=5, metavar="N", help="programs held against held-out traces (5)")
    parser.add_argument("--out", metavar="DIR", help="write these programs into a folder")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON document")
    parser.add_argument("--model", default=MODEL, metavar="NAME", help="of the model that is asked")
    parser.add_argument("--api-base", default=API_BASE, metavar="URL", help=f"where it is (default: {API_BASE})")


def run(options: argparse.Namespace) -> int:
    """Do it and return the exit code."""
    return {"init": _init, "score": _score, "report": _report, "import": _import}[options.action](options)


def _init(options: argparse.Namespace) -> int:
    from eplb_variants.errors import EplbError, printable, unknown
    from evaluator.candidates.program import example_program, read_program
    from evaluator.cli.main import CRASHED, DONE
    from evaluator.evolve.scoring import judge_of, why_not_judged
    from evaluator.evolve.starting import ENGINES, write_folder
    from evaluator.evolve.study import create_study, remove_study

    parent = read_program(options.parent) if options.parent else example_program()
    engine, given, *overrides = options.given if len(options.given) > 1 else [*options.given, ""]
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    if not given:
        raise EplbError(f"eplb evolve init {engine} needs a folder to write")
    folder = Path(given)
    place = Path(options.study) if options.study else Path("runs", "studies", folder.resolve().name)
    if folder.is_dir() and any(folder.iterdir()):
        raise EplbError(f"the folder {given!r} is not empty: name another")
    study = create_study(
        place,
        parent.source,
        overrides,
        traces=options.traces,
        seconds=options.seconds,
        time=options.time,
        outside=options.outside,
        idle_seconds=options.idle_seconds,
    )
    try:
        with judge_of(study) as judge:  # what is wrong with it is said before anybody searches
            why = why_not_judged(judge)
    except BaseException:
        remove_study(study)
        raise
    if why is not None:
        remove_study(study)
        print(f"eplb: the study cannot be used: {why}", file=sys.stderr)
        return CRASHED
    write_folder(engine, folder, study, model=options.model, api_base=options.api_base)
    print(f"study: {printable(str(study.folder))}")
    print(f"next: sh {printable(str(folder / 'run.sh'))}, after its README")
    return DONE


def _score(options: argparse.Namespace) -> int:
    from eplb_variants.errors import EplbError
    from evaluator.candidates.documents.files import read_regular
    from evaluator.evolve.answers import JUDGED, UNUSABLE
    from evaluator.evolve.scoring import Scoring
    from evaluator.evolve.study import read_study

    if len(options.given) != 2:
        raise EplbError("eplb evolve score takes the folder of a study and the file of a program, or - for its text")
    study, program = read_study(options.given[0]), options.given[1]
    data = sys.stdin.buffer.read() if program == "-" else read_regular(program)
    with Scoring(study) as scoring:
        answer = scoring.answer(data.decode("utf-8", "surrogateescape"))
    print(json.dumps(answer))
    return {JUDGED: 0, UNUSABLE: 3}.get(answer["kind"], 4)


def _report(options: argparse.Namespace) -> int:
    from eplb_variants.errors import EplbError
    from evaluator.evolve.study import read_study

    if len(options.given) != 1:
        raise EplbError("eplb evolve report takes the folder of a study")
    if options.best < 0:
        raise EplbError(f"--best is {options.best}: it must be 0 or more")
    return tell(read_study(options.given[0]), options.best, options.out, as_json=options.json)


def tell(study: Study, best: int, out_folder: str | None, *, as_json: bool) -> int:
    """Print what a search found, and what of it holds on traces that it has not seen; return the exit code."""
    from eplb_variants.errors import EplbError, printable
    from evaluator.candidates.judging.judge import ParentUnusable
    from evaluator.cli.main import CRASHED, DONE
    from evaluator.cli.terminal import console
    from evaluator.evolve.reporting import confirm, history_of, lineage_of
    from evaluator.shown.searches import in_words, lineage_lines, report_grid, report_values
    from evaluator.workloads import UnusableWorkload

    history = history_of(study)
    chosen = history.best(best)
    try:
        steps = confirm(study, chosen, lineage=lineage_of(history, chosen[0]) if chosen else ())
    except (ParentUnusable, UnusableWorkload) as error:
        print(f"eplb: {error}", file=sys.stderr)
        return CRASHED
    if as_json:
        print(json.dumps(report_values(history, chosen, steps), indent=2))
    else:
        print(f"study: {printable(str(study.folder))}")
        print(in_words(history))
        if chosen:
            console().print(report_grid(chosen))
        elif best:
            print("nothing is better than the seed program")
        for line in lineage_lines(steps):
            print(line)
    if out_folder:
        out = Path(out_folder)
        try:
            out.mkdir(parents=True, exist_ok=True)
            for found in chosen:
                (out / f"{found.number:04d}_{found.key}.py").write_text(found.source, encoding="utf-8", newline="\n")
        except OSError as error:
            raise EplbError(f"programs cannot be written to {out_folder!r}: {error.strerror}") from None
        print(f"programs: {len(chosen)} in {printable(str(out))}", file=sys.stderr)
    return DONE


def _import(options: argparse.Namespace) -> int:
    from eplb_variants.errors import EplbError, printable, unknown
    from evaluator.candidates.documents.matching import MATCHINGS
    from evaluator.candidates.judging.judge import ParentUnusable
    from evaluator.cli.main import CRASHED, DONE
    from evaluator.cli.terminal import console
    from evaluator.evolve.imports import read_left
    from evaluator.evolve.imports.importing import import_left, study_for
    from evaluator.progress import Bar
    from evaluator.shown.imports import import_grid, import_values, import_words
    from evaluator.sweep.plan import launcher_apart
    from evaluator.workloads import UnusableWorkload

    if options.matching is not None and options.matching not in MATCHINGS:
        raise unknown("matching", options.matching, MATCHINGS)
    if not 1 <= options.jobs <= MOST_JOBS:
        raise EplbError(f"--jobs is {options.jobs}: it must be 1 or more, and {MOST_JOBS:,} at most")
    folder, *words = options.given
    launching, overrides = launcher_apart(words)
    layout, left, missing = read_left(folder, options.layout)
    study = study_for(
        Path(options.study) if options.study else Path("runs", "studies", Path(folder).resolve().name),
        left,
        overrides,
        parent=options.parent,
        traces=options.traces,
        seconds=options.seconds,
        time=options.time,
    )
    try:
        with Bar() as bar:
            imported = import_left(
                study,
                layout,
                left,
                missing,
                matching=options.matching,
                jobs=options.jobs,
                launching=launching,
                progress=bar,
            )
    except (ParentUnusable, UnusableWorkload) as error:
        print(f"eplb: {error}; --parent names another initial program", file=sys.stderr)
        return CRASHED
    if options.json:
        print(json.dumps(import_values(imported), indent=2))
        return DONE
    for line in import_words(imported):
        print(printable(line))
    console().print(import_grid(imported))
    print(f"all rows: {printable(str(imported.file))}; eplb evolve report {printable(str(study.folder))} goes on")
    return DONE
