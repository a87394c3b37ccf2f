"""``eplb selftest``: the A/A check. A variant is compared with itself, again and again."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--variant", default="deepseek", help="what is compared with itself (default: deepseek)")
    parser.add_argument("--runs", type=int, default=100, metavar="N", help="comparisons (default: 100)")
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="rounds of each (default: 20)")


def run(options: argparse.Namespace) -> int:
    """Print how often the bench saw a difference where there is none; return 0 if in at most 5 of 100 runs."""
    from evaluator.cli.main import DONE, GATE
    from evaluator.progress import Bar
    from evaluator.timing.selftest import compare_with_itself

    with Bar() as bar:
        result = compare_with_itself(options.variant, options.runs, options.rounds, bar)
    print(
        f"{options.variant} against itself, {options.runs} runs of {options.rounds} rounds:\n"
        f"  time: no difference in {result.time_same} of {result.runs}; "
        f"ratios from {result.lowest_ratio:.3f} to {result.highest_ratio:.3f}, median {result.median_ratio:.3f}\n"
        f"  balancedness: no difference in {result.balance_same} of {result.runs}"
    )
    if not result.valid:
        print("  another timing pass ran on this machine: the times are not valid")
    if not result.passed:
        print("the bench sees differences where there are none: do not trust its times on this machine now")
        return GATE
    print("passed: at least 95 of 100 say 'no difference'")
    return DONE
