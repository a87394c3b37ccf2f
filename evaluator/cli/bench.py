"""``eplb bench``: benchmarks, as ratios measured side by side."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("what", choices=["candidates"], help="candidates: how many programs are judged a minute")
    parser.add_argument("--programs", type=int, default=4, metavar="N", help="programs tried each way (default: 4)")


def run(options: argparse.Namespace) -> int:
    """Print the ratios and return 0."""
    import json

    from eplb_variants import EplbError
    from evaluator.bench.candidates import measure_rate
    from evaluator.candidates.program import Program
    from evaluator.cli.main import DONE
    from evaluator.cli.score import default_parent, plain_settings
    from evaluator.machine import describe_machine
    from evaluator.progress import Bar

    if options.programs < 1:
        raise EplbError(f"--programs is {options.programs}: at least one is needed")
    parent = default_parent()
    programs = [Program(f"{parent.name}-{i}", f"{parent.source}\n# {i}\n") for i in range(options.programs)]
    with Bar() as bar:
        rate = measure_rate(programs, plain_settings(), bar)
    machine = json.loads(describe_machine())
    print(
        f"{machine['processor']}, {machine['cores']} cores, one program at a time, quality alone\n"
        f"  forked from a process with torch:    {rate.forked_per_minute:7.1f} candidates a minute\n"
        f"  a fresh interpreter each process:    {rate.fresh_per_minute:7.1f} candidates a minute\n"
        f"  ratio of times, fresh / forked:      {rate.ratio.value:7.1f} "
        f"[{rate.ratio.low:.1f}, {rate.ratio.high:.1f}], 95% interval over {rate.programs} programs\n"
        f"  from the fork to the first answer:   {rate.fork_to_first_call_ms:7.1f} ms"
    )
    return DONE
