"""``eplb workload``: what a recording is like, and the scenario that comes closest to it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from eplb_variants.loads import IntArray
    from evaluator.shown.grid import Grid
    from evaluator.workloads.fitting import Fit
    from evaluator.workloads.synthetic import Synthetic
    from evaluator.workloads.trace import Trace

BASE = "mild"
"""The scenario whose file names the least, on which overrides are based."""
ACTIONS = {
    "describe": "its skew, noise and change over time, in figures",
    "fit": "parameters of the synthetic model, by moments",
}
EPILOG = """\
examples:
  eplb workload describe byte_moe --interval 16
  eplb workload fit load.npz --interval 16
  eplb workload fit expert-load.json --interval 100 --top-k 8 --groups 8 --config-dir mine
  eplb evaluate --config-dir mine -m variant=deepseek,seed workload=expert-load_like seed=0,1,2

The whole recording is read into memory. Fitted on windows of another length, the noise is another:
fit with the interval that you rebalance at.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("action", choices=tuple(ACTIONS), help="; ".join(f"{a}: {what}" for a, what in ACTIONS.items()))
    parser.add_argument(
        "recording",
        metavar="RECORDING",
        help="a file of any format that workload=recorded reads, or the name of one that ships, such as byte_moe",
    )
    parser.add_argument("--interval", type=int, default=1, metavar="N", help="steps in a window (default: 1)")
    parser.add_argument(
        "--max-windows", type=int, default=0, metavar="N", help="windows used at most; 0: all (default)"
    )
    parser.add_argument("--top-k", type=int, metavar="N", help="experts a token, where the recording does not say")
    parser.add_argument("--groups", type=int, metavar="N", help="expert groups, where the recording does not say (1)")
    parser.add_argument("--name", help="of the scenario (default: the recording's, with _like)")
    parser.add_argument("--config-dir", metavar="DIR", help="write DIR/workload/NAME.yaml")


def run(options: argparse.Namespace) -> int:
    """Print what was asked for and return 0."""
    from eplb_variants.errors import EplbError
    from evaluator.cli.main import DONE
    from evaluator.cli.terminal import say
    from evaluator.workloads.recorded import Recorded
    from evaluator.workloads.shipped import shipped_recordings

    recorded = Recorded(str(shipped_recordings().get(options.recording, options.recording)))
    recorded.check(options.interval)
    trace = recorded.make(0)
    if options.max_windows < 0:
        raise EplbError(f"--max-windows is {options.max_windows}: it must be 0 (all) or more")
    windows = trace.windows(options.interval, options.max_windows)
    say(f"read {recorded.read_as}: {len(windows):,} windows of {options.interval:,} steps")
    top_k = _top_k(options.top_k, trace)
    if options.action == "describe":
        whole = not options.max_windows
        steps = trace.windows(1, 0 if whole else len(windows) * options.interval)
        _describe(steps, options.interval, top_k, recorded.path if whole else None)
    else:
        _fit(options, windows, top_k, (trace.num_groups or 1) if options.groups is None else options.groups)
    return DONE


def _describe(steps: IntArray, interval: int, top_k: int, path: str | None) -> None:
    """Print what steps are like, and their tokens where ``path`` has them."""
    from evaluator.bench.description import facts
    from evaluator.cli.terminal import console
    from evaluator.shown.grid import Grid
    from evaluator.shown.words import number
    from evaluator.workloads.requests import read_tokens

    tokens = read_tokens(path) if path else None
    rows = [(fact.what, number(fact.value, ".3g")) for fact in facts(steps, interval, top_k, tokens)]
    caption = "docs/workloads.md has the figures of other recordings"
    console().print(Grid("", ("", "recording"), rows, frozenset({""}), caption))


def _fit(options: argparse.Namespace, windows: IntArray, top_k: int, groups: int) -> None:
    """Print what was fitted and how near it comes, and write the file where one is asked for."""
    from pathlib import Path

    from evaluator.cli.terminal import console
    from evaluator.workloads.fitting import fit

    found = fit(windows, top_k, groups)
    name = _name(options.name, Path(options.recording))
    console().print(table(found, name))
    overrides = " ".join(f"workload.{key}={value}" for key, value in changed(found.model).items())
    print(f"\nas overrides: workload={BASE} {overrides}")
    if options.config_dir:
        path = _write(found, name, Path(options.config_dir), options.recording)
        print(f"\nas a file: {path}\n  eplb evaluate --config-dir {options.config_dir} workload={name}")


def _name(given: str | None, recording: Path) -> str:
    import re

    from eplb_variants.errors import EplbError

    if given is None:
        return re.sub(r"[^A-Za-z0-9_.-]+", "_", recording.stem) + "_like"
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", given):
        raise EplbError(f"--name is {given!r}: letters, digits, '_', '-' and '.' can be chosen on a command line")
    return given


def _top_k(given: int | None, trace: Trace) -> int:
    from eplb_variants.errors import EplbError

    top_k = trace.top_k if given is None else given
    if top_k is None:
        raise EplbError("the recording does not say how many experts a token is routed to: name it with --top-k")
    if not 1 <= top_k <= trace.counts.shape[2]:
        raise EplbError(f"a token cannot be routed to {top_k} of {trace.counts.shape[2]} experts")
    return top_k


def table(found: Fit, name: str) -> Grid:
    """Return what the recording and the scenario are like, side by side."""
    from evaluator.shown.grid import Grid
    from evaluator.shown.words import number

    rows = [
        (line.what, number(line.recording, ".3g"), number(line.model, ".3g"), "not reproduced" if line.missed else "")
        for line in found.compared
    ]
    caption = "not reproduced: off by more than a tenth, and by more than .05"
    header = (name, "recording", "scenario", "")
    return Grid("", header, rows, frozenset({name, ""}), caption, (0, 0, 0, 0))


def changed(model: Synthetic) -> dict[str, object]:
    """Return the parameters that are not as in the scenario that overrides are based on."""
    from dataclasses import asdict

    from evaluator.workloads.synthetic import Synthetic

    usual = asdict(Synthetic(sigma=0.2))
    return {key: value for key, value in asdict(model).items() if value != usual[key] or key == "sigma"}


def _write(found: Fit, name: str, folder: Path, recording: str) -> Path:
    from pathlib import Path

    from eplb_variants.errors import EplbError
    from evaluator.files import write_whole

    path = folder / "workload" / f"{name}.yaml"
    missed = ", ".join(line.what for line in found.compared if line.missed) or "nothing that was compared"
    lines = [
        f"# Fitted to {Path(recording).name!r} by eplb workload fit. Not reproduced: {missed}.",
        "defaults:",
        "  - /schema/workload/synthetic@_here_",
        "  - _self_",
        f"name: {name}",
        "summary: fitted to a recording",
        *(f"{key}: {value}" for key, value in changed(found.model).items()),
    ]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, "\n".join(lines) + "\n")
    except OSError as error:
        raise EplbError(f"{str(path)!r} cannot be written: {error.strerror}") from None
    return path
