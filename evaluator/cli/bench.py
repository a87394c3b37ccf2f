"""``eplb bench``: benchmarks, as ratios measured side by side."""

from __future__ import annotations

import argparse

EPILOG = """\
candidates  programs judged a minute: forked from a process with torch, against a fresh interpreter each
kernels     the compiled stages against the readable ones, and how the cost grows with the machine
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("what", choices=["candidates", "kernels"], help="what is measured")
    parser.add_argument("--programs", type=int, default=4, metavar="N", help="candidates tried each way (default: 4)")


def run(options: argparse.Namespace) -> int:
    """Print the ratios and return 0."""
    import json

    from evaluator.cli.main import DONE
    from evaluator.machine import describe_machine

    machine = json.loads(describe_machine())
    print(f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, one thread")
    for line in _candidates(options.programs) if options.what == "candidates" else _kernels():
        print(line)
    return DONE


def _candidates(number: int) -> list[str]:
    from eplb_variants import EplbError
    from evaluator.bench.candidates import measure_rate
    from evaluator.candidates.program import Program
    from evaluator.cli.score import default_parent, plain_settings
    from evaluator.progress import Bar

    if number < 1:
        raise EplbError(f"--programs is {number}: at least one is needed")
    parent = default_parent()
    programs = [Program(f"{parent.name}-{i}", f"{parent.source}\n# {i}\n") for i in range(number)]
    with Bar() as bar:
        rate = measure_rate(programs, plain_settings(), bar)
    return [
        "one program at a time, quality alone",
        f"  forked from a process with torch:    {rate.forked_per_minute:7.1f} candidates a minute",
        f"  a fresh interpreter each process:    {rate.fresh_per_minute:7.1f} candidates a minute",
        f"  ratio of times, fresh / forked:      {rate.ratio.value:7.1f} "
        f"[{rate.ratio.low:.1f}, {rate.ratio.high:.1f}], 95% interval over {rate.programs} programs",
        f"  from the fork to the first answer:   {rate.fork_to_first_call_ms:7.1f} ms",
    ]


def _kernels() -> list[str]:
    from evaluator.bench.kernels import measure_kernels
    from evaluator.progress import Bar

    with Bar() as bar:
        times = measure_kernels(bar)
    lines = ["global policy; ratio: the readable array version / the kernel, 95% interval over rounds"]
    lines.append(
        f"{'layers x experts, slots, GPUs':32} {'variant':12} {'kernel ms':>9} {'ratio':>22} {'ns / P log P':>13}"
    )
    for time in times:
        layers, experts, slots, gpus = time.size
        ratio = f"{time.ratio.value:.1f} [{time.ratio.low:.1f}, {time.ratio.high:.1f}]"
        where = f"{layers} x {experts}, {slots}, {gpus}"
        lines.append(f"{where:32} {time.variant:12} {time.milliseconds:9.2f} {ratio:>22} {time.per_slot:13.2f}")
    return lines
