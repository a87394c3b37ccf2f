"""``python -m evaluator``: the plain Hydra application, for those who expect one; a Hydra job is a cell."""

from __future__ import annotations

import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from eplb_variants.errors import EplbError
from evaluator.cli.evaluate import report
from evaluator.cli.main import USAGE
from evaluator.config.catalogue import CONFIG_MODULE
from evaluator.config.schemas import register_schemas
from evaluator.config.session import CONFIG_NAME
from evaluator.sweep.plan import make_plan
from evaluator.sweep.run import run

register_schemas()
exit_codes = [0]
"""Of the jobs: Hydra does not pass on what they return."""


@hydra.main(config_path=f"pkg://{CONFIG_MODULE}", config_name=CONFIG_NAME, version_base="1.3")
def main(config: DictConfig) -> None:
    """Evaluate the configuration that Hydra composed."""
    try:
        hydra_config = HydraConfig.get()
        folders = [s.path for s in hydra_config.runtime.config_sources if s.provider == "command-line"]
        plan = make_plan(list(hydra_config.overrides.task), config_dirs=folders)
        exit_codes.append(report(plan, run(plan), as_json=False))
    except EplbError as error:
        print(f"eplb: {error}", file=sys.stderr)
        exit_codes.append(USAGE)


if __name__ == "__main__":
    main()
    sys.exit(max(exit_codes))
