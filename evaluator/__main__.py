"""``python -m evaluator``: the plain Hydra application, for those who expect one; a Hydra job is a cell."""

from __future__ import annotations

import sys

from eplb_variants.errors import EplbError
from evaluator.cli.evaluate import report
from evaluator.cli.main import USAGE, spare_collector
from evaluator.config.application import application
from evaluator.progress import Bar
from evaluator.sweep.plan import make_plan
from evaluator.sweep.run import run

exit_codes = [0]
"""Of the jobs: Hydra does not pass on what they return."""


def evaluate(overrides: list[str], config_dirs: list[str]) -> None:
    """Evaluate one job of Hydra's."""
    try:
        plan = make_plan(overrides, config_dirs=config_dirs)
        with Bar() as bar:
            result = run(plan, bar)
        exit_codes.append(report(plan, result, as_json=False))
    except EplbError as error:
        print(f"eplb: {error}", file=sys.stderr)
        exit_codes.append(USAGE)


if __name__ == "__main__":
    spare_collector()
    application(evaluate)()
    sys.exit(max(exit_codes))
