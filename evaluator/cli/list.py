"""``eplb list``: what there is, a line each."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap

from eplb_variants.errors import printable

GROUPS = {
    "variants": "variant",
    "workloads": "workload",
    "topologies": "topology",
    "scores": "score",
    "suites": "suite",
    "experiments": "experiment",
}
TOPICS = ("variants", "stages", "workloads", "topologies", "scores", "suites", "experiments")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("topic", nargs="?", choices=TOPICS, help="one of them; all where none is named")
    parser.add_argument(
        "--config-dir", action="append", default=[], metavar="DIR", help="a folder of your own, laid out as conf/"
    )


def run(options: argparse.Namespace) -> int:
    """Print the names and return 0; in a terminal, lines end between words."""
    from evaluator.config.catalogue import choices

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for topic in [options.topic] if options.topic else TOPICS:
        if not options.topic:
            print(f"\n{topic}")
        lines = _stages() if topic == "stages" else choices(GROUPS[topic], options.config_dir).items()
        for name, summary in lines:
            line = printable(f"{name:28} {summary}")
            print(f"  {line}" if width is None else _wrapped(line, width))
    return 0


def _wrapped(line: str, width: int) -> str:
    lines = textwrap.TextWrapper(
        width,
        initial_indent="  ",
        subsequent_indent=" " * 31,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines.fill(line)


def _stages() -> list[tuple[str, str]]:
    from eplb_variants.registry import stages

    lines = []
    for stage in stages():
        defaults = ", ".join(f"{name}={default}" for name, (_, default) in stage.parameters.items())
        lines.append((f"{stage.kind} {stage.name}", stage.summary + (f" ({defaults})" if defaults else "")))
    return lines
