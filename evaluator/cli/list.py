"""``eplb list``: what there is, a line each."""

from __future__ import annotations

import argparse

GROUPS = {
    "variants": "variant",
    "workloads": "workload",
    "topologies": "topology",
    "scores": "score",
    "experiments": "experiment",
}
TOPICS = ("variants", "stages", "workloads", "topologies", "scores", "experiments")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("topic", nargs="?", choices=TOPICS, help="one of them; all where none is named")
    parser.add_argument(
        "--config-dir", action="append", default=[], metavar="DIR", help="a folder of your own, laid out as conf/"
    )


def run(options: argparse.Namespace) -> int:
    """Print the names and return 0."""
    from evaluator.config.catalogue import choices

    for topic in [options.topic] if options.topic else TOPICS:
        if not options.topic:
            print(f"\n{topic}")
        lines = _stages() if topic == "stages" else choices(GROUPS[topic], options.config_dir).items()
        for name, summary in lines:
            print(f"  {name:28} {summary}")
    return 0


def _stages() -> list[tuple[str, str]]:
    from eplb_variants.registry import stages

    lines = []
    for stage in stages():
        defaults = ", ".join(f"{name}={default}" for name, (_, default) in stage.parameters.items())
        lines.append((f"{stage.kind} {stage.name}", stage.summary + (f" ({defaults})" if defaults else "")))
    return lines
