"""Runs command lines, each in a fork of one process that has imported everything, and composed what is asked for most.

Most of a short run is imports, and Hydra.

A request is a line of JSON on stdin: ``arguments``, the folder ``cwd``, files for ``stdout`` and ``stderr``, and the
``lock`` of the timing passes. The answer is a line with the exit code.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys

COMMANDS = ("main", "evaluate", "score", "apply", "compare", "ablate", "list", "report", "runs", "workload")
MODULES = (
    *(f"evaluator.cli.{name}" for name in COMMANDS),
    "evaluator.sweep.plan",
    "evaluator.quality.kernels",
    "evaluator.sweep.run",
    "eplb_variants.kernels.pipeline",
    "evaluator.shown.ablation.plot",
    "evaluator.shown.plots",
    "evaluator.shown.rendering",
    "evaluator.reports.data",
    "evaluator.reports.page",
    "scipy.stats",
    "statsmodels.stats.multitest",
)
COMPOSED = ["variant=contiguous,deepseek,seed,seed_parent", "workload=dsr1_decode,mild,quick"]


def serve() -> None:
    """Answer requests until stdin ends; a fork leaves by ``SystemExit``, as any program does.

    What was imported is frozen: at its end a fork would look through all of it, and copy it, for most of a second.
    """
    for name in MODULES:
        importlib.import_module(name)
    importlib.import_module("evaluator.sweep.plan").make_plan(COMPOSED, multirun=True)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            run(request)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")
        sys.stdout.flush()


def run(request: dict[str, object]) -> None:
    """Run a command line with its own files for input and output, and exit with its code."""
    from evaluator.cli.main import main
    from evaluator.timing import alone

    for descriptor, (path, mode) in enumerate(
        [(os.devnull, os.O_RDONLY), *((request[name], os.O_WRONLY) for name in ("stdout", "stderr"))]
    ):
        os.dup2(os.open(path, mode), descriptor)
    os.chdir(request["cwd"])
    alone.LOCK = request["lock"]
    sys.exit(main(request["arguments"]))


if __name__ == "__main__":
    serve()
