"""``eplb bench``: benchmarks, as ratios measured side by side."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaluator.bench.line import Line
    from evaluator.progress import Bar

SUITES = {
    "placement": "deepseek beside plain Python, arrays, two threads and installed engines, at the published size",
    "growth": "how the kernels' cost grows with layers and slots; draws a plot",
    "within": "what splitting tokens, or fetching experts, costs a step, beside a placement",
    "metrics": "all metrics of one window",
    "overhead": "evaluating a thousand windows beside the placements alone",
    "memory": "peak memory of a thousand and of four thousand windows",
    "recording": "an expert-load.json of 220 MB beside json.load and torch.tensor",
    "readers": "damaged recordings of every format: read or refused in a sentence, in bounded time and memory",
    "documents": "damaged documents of candidates: applied or rejected in a sentence, in bounded time and memory",
    "startup": "eplb --help and eplb list",
    "intervals": "how often intervals of balance hold the truth; tables of equals in which one gets a verdict",
    "search": "searches of a hundred equals: how many the judge calls better, and confirms; programs that are better",
    "times": "what is said of the times of equals and of known slowdowns, quiet and busy",
    "ties": "what is said of deepseek beside itself with experts renamed, and what ties could take from verdicts",
    "bounds": "bounds beside the best placements of small layers, which a solver finds; how long a bound takes",
    "forecasters": "what each forecaster gains over the last window on every kind of traffic; draws a plot",
    "budget": "what dividing slots over layers unequally would gain, at equal memory",
    "fitted": "the order of 48 compositions on recordings beside their order on scenarios fitted to them",
    "agreement": "the order of programs in the judge's training part beside that on fresh traces and recordings",
    "programs": "programs that are equal, or better by a known amount, on a thousand fresh traces",
    "candidates": "programs judged a minute, forked and not; what a call costs beside its program",
    "attacks": "programs that cheat, spy or do harm: what each deserves and gets, with all layers and without each",
    "answers": "bytes that a program may write in place of its answers: read or refused in words",
}
ALL_OF = {"truth": ("intervals", "search", "times"), "transfer": ("fitted", "agreement")}
"""Several under one name: whether verdicts can be believed, and whether orders transfer."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    lines = [f"{name:11} {what}" for name, what in SUITES.items()]
    lines += [f"{name:11} {', '.join(parts)}" for name, parts in ALL_OF.items()]
    parser.epilog = "\n".join(["benchmarks:", *lines, "", "engines are measured where installed: sglang, vllm"])
    parser.add_argument("what", nargs="*", metavar="BENCHMARK", help="which ones (default: all)")
    parser.add_argument("--programs", type=int, default=4, metavar="N", help="candidates tried each way (default: 4)")
    parser.add_argument(
        "--megabytes", type=float, default=220, metavar="N", help="size of the recording (default: 220)"
    )
    parser.add_argument(
        "--damaged",
        type=int,
        metavar="N",
        help="damaged recordings of each format (default: 1000), damaged documents (default: 3000)",
    )
    parser.add_argument("--answers", type=int, default=2000, metavar="N", help="cases of answers (default: 2000)")
    parser.add_argument(
        "--attack", action="append", default=[], metavar="NAME", help="an attack to run, once or more (default: all)"
    )
    parser.add_argument("--runs", type=int, default=40, metavar="N", help="comparisons of each kind (default: 40)")
    parser.add_argument(
        "--recording",
        action="append",
        default=[],
        metavar="FILE",
        help="a recording beside the scenarios, once or more: a file, or the name of one that ships (default: those "
        "that ship and those in the folder $EPLB_LAB_EXTRA_DATA)",
    )
    parser.add_argument("--runs-dir", default="runs", metavar="DIR", help="results go to DIR/bench (default: runs)")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")


def run(options: argparse.Namespace) -> int:
    """Print the ratios as each benchmark ends, write them to parquet, and return 0, or 1 where a target was missed."""
    import json

    from eplb_variants.errors import EplbError, unknown
    from evaluator.bench.line import grid, write
    from evaluator.cli.main import DONE, GATE
    from evaluator.cli.terminal import console
    from evaluator.progress import Bar
    from evaluator.results.machine import describe_machine

    names = [part for name in options.what or SUITES for part in ALL_OF.get(name, (name,))]
    for name in names:
        if name not in SUITES:
            raise unknown("benchmark", name, [*SUITES, *ALL_OF])
    for name in ("programs", "megabytes", "damaged", "answers", "runs"):
        if getattr(options, name) is not None and not getattr(options, name) > 0:
            raise EplbError(f"--{name} is {getattr(options, name):g}: it must be above 0")
    machine, terminal = json.loads(describe_machine()), console()
    if not options.json:
        print(f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, one thread")
    folder, lines = Path(options.runs_dir) / "bench", []
    for name in dict.fromkeys(names):
        with Bar() as bar:
            made = _suite(name, options, folder, bar)
        lines += made
        if not options.json:
            terminal.print(f"\n[bold]{name}[/]: {SUITES[name]}")
            terminal.print(grid(made))
    path = write(lines, folder)
    if options.json:
        print(json.dumps({"schema_version": 1, "machine": machine, "lines": [line.columns() for line in lines]}))
    else:
        print(f"\nratios with their 95% intervals over rounds, differences with theirs over traces; parquet: {path}")
    missed = [line.what for line in lines if line.met is False]
    if missed and not options.json:
        print(f"missed: {'; '.join(missed)}")
    return GATE if missed else DONE


def _suite(name: str, options: argparse.Namespace, folder: Path, bar: Bar) -> list[Line]:
    from evaluator.bench import (
        answers,
        bounds,
        budget,
        documents,
        placement,
        readers,
        recording,
        replay,
        startup,
        transfer,
        within,
    )

    measures: dict[str, Callable[[], list[Line]]] = {
        "placement": lambda: placement.measure_placement(bar),
        "growth": lambda: _growth(folder, bar),
        "within": lambda: within.measure_within(bar),
        "metrics": lambda: replay.measure_metrics(bar),
        "overhead": lambda: replay.measure_overhead(bar),
        "memory": lambda: replay.measure_memory(bar),
        "recording": lambda: recording.measure_recording(bar, options.megabytes),
        "readers": lambda: readers.measure_readers(bar, options.damaged or 1000, folder / "_damaged"),
        "documents": lambda: documents.measure_documents(bar, options.damaged or 3000, folder / "_damaged"),
        "startup": lambda: startup.measure_startup(bar),
        "intervals": lambda: _intervals(bar),
        "search": lambda: _search(options.runs, bar),
        "times": lambda: _times(options.runs, bar),
        "ties": lambda: _ties(options.recording, bar),
        "bounds": lambda: bounds.measure_bounds(bar, 10 * options.runs),
        "forecasters": lambda: _forecasters(options, folder, bar),
        "budget": lambda: budget.measure_budget(bar),
        "agreement": lambda: _agreement(options.recording, bar),
        "fitted": lambda: transfer.measure_transfer(bar, options.recording),
        "programs": lambda: _known_programs(bar),
        "candidates": lambda: _candidates(options.programs, bar),
        "attacks": lambda: _attacks(options.attack, bar),
        "answers": lambda: answers.measure_answers(bar, options.answers),
    }
    return measures[name]()


def _growth(folder: Path, bar: Bar) -> list[Line]:
    from evaluator.bench.placement import measure_growth
    from evaluator.bench.plot import growth_plot
    from evaluator.shown.plots import save

    lines, found = measure_growth(bar)
    save(growth_plot(found), folder / "_plots", "growth")
    return lines


def _intervals(bar: Bar) -> list[Line]:
    from evaluator.bench.truth.intervals import DRAWS, POOL_LAYERS, POOL_TRACES, POOL_WINDOWS, measure_intervals
    from evaluator.bench.truth.rounds import measure_rounds
    from evaluator.sweep.plan import make_plan

    small = [f"workload.num_layers={POOL_LAYERS}", f"workload.windows={POOL_WINDOWS}"]
    plan = make_plan(["variant=deepseek", "reference=deepseek", "workload=glob(*)", *small], multirun=True)
    scenarios = {cell.workload.name.partition("[")[0]: cell.workload for cell in plan.cells}
    makes = {name: workload.windows for name, workload in scenarios.items()}
    ordinary = [name for name, workload in scenarios.items() if workload.config["pooled"]]
    lines = measure_intervals(bar, makes, ordinary, plan.cells[0].topology, POOL_TRACES, DRAWS)
    return [*lines, *measure_rounds(bar)]


def _search(runs: int, bar: Bar) -> list[Line]:
    from evaluator.bench.truth.search import measure_search
    from evaluator.candidates.settings import HELD_OUT_TRACES, TRACES
    from evaluator.sweep.plan import make_plan

    (quick,) = make_plan(["workload=quick"]).cells
    traces = TRACES, HELD_OUT_TRACES
    return measure_search(bar, max(runs // 2, 1), quick.workload.windows, quick.topology, traces)


def _times(runs: int, bar: Bar) -> list[Line]:
    from evaluator.bench.truth.times import measure_times
    from evaluator.candidates.scoring import DEFAULTS
    from evaluator.candidates.settings import Choices, settings_of
    from evaluator.sweep.plan import make_plan

    return measure_times(bar, runs, settings_of(make_plan([*DEFAULTS]), Choices(seed=0)))


def _agreement(named: Sequence[str], bar: Bar) -> list[Line]:
    from evaluator.bench.agreement import Judged, measure_agreement
    from evaluator.candidates.settings import Choices, settings_of
    from evaluator.sweep.plan import make_plan

    ways = {
        "quick": settings_of(make_plan(["workload=quick"]), Choices(seed=0)),
        "eplb_1": settings_of(make_plan(["suite=eplb_1"])),
    }
    judged = {
        name: Judged(*([(one.traces, one.topology) for one in part] for part in settings.parts.values()))
        for name, settings in ways.items()
    }
    return measure_agreement(bar, judged, named)


def _ties(named: Sequence[str], bar: Bar) -> list[Line]:
    from evaluator.bench.truth.ties import loads_with_ties, measure_ties

    return measure_ties(bar, loads_with_ties(named))


def _forecasters(options: argparse.Namespace, folder: Path, bar: Bar) -> list[Line]:
    from evaluator.bench.forecasters import measure_forecasters
    from evaluator.bench.plot import forecasters_plot
    from evaluator.shown.plots import save

    lines, found = measure_forecasters(bar, options.recording)
    save(forecasters_plot(found), folder / "_plots", "forecasters")
    return lines


def _attacks(named: Sequence[str], bar: Bar) -> list[Line]:
    from evaluator.bench.attacks.measure import measure_attacks

    return measure_attacks(bar, named)


def _known_programs(bar: Bar) -> list[Line]:
    from evaluator.bench.programs.truth import measure_programs
    from evaluator.sweep.plan import make_plan

    cell = make_plan(["workload=quick", "measure=quality"]).cells[0]
    return measure_programs(bar, cell.workload.windows, cell.topology)


def _candidates(number: int, bar: Bar) -> list[Line]:
    from evaluator.bench.candidates import measure_candidates
    from evaluator.bench.share import measure_shares

    programs, settings = _programs(number)
    return [*measure_candidates(bar, programs, settings), *measure_shares(bar, programs[0], settings)]


def _programs(number: int) -> tuple[list[Any], Any]:
    from evaluator.candidates.program import Program, example_program
    from evaluator.candidates.scoring import DEFAULTS
    from evaluator.candidates.settings import Choices, settings_of
    from evaluator.sweep.plan import make_plan

    parent = example_program()
    programs = [Program(f"{parent.name}-{i}", f"{parent.source}\n# {i}\n") for i in range(number)]
    return programs, settings_of(make_plan([*DEFAULTS, "measure=quality"]), Choices(seed=0))
