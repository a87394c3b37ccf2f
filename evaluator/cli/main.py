"""The command ``eplb``: finds the subcommand, turns errors into sentences and exit codes."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

DONE, GATE, USAGE, CRASHED, OURS, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit codes: done; judged, and the gate says no; usage or configuration; the thing under test crashed; our fault."""

COMMANDS = {
    "evaluate": "run variants on workloads and write the results to parquet",
    "compare": "tables and plots from run folders",
    "list": "what there is: variants, stages, workloads, topologies, scores",
    "selftest": "compare a variant with itself: the bench must see no difference",
}

EPILOG = """\
examples:
  eplb evaluate variant=seed workload=dsr1_decode topology=adrs
  eplb evaluate -m variant=deepseek,seed_parent,seed 'workload=glob(*)' seed=0,1,2
  eplb compare runs/default
  eplb list variants

exit codes: 0 done, 1 judged and the gate says no, 2 usage or configuration,
3 a variant crashed, 4 our fault, 130 interrupted
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; prints the error sentence itself."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="eplb",
        description="The bench on which expert-placement algorithms for Mixture-of-Experts models are judged.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    wanted = next((word for word in given if not word.startswith("-")), None)
    modules = {}
    for name, summary in COMMANDS.items():
        sub = subparsers.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        sub.formatter_class = argparse.RawDescriptionHelpFormatter
        if name == wanted:  # a command is imported only when it is asked for
            modules[name] = importlib.import_module(f"evaluator.cli.{name}")
            modules[name].configure(sub)
    options = parser.parse_args(given)
    if options.version:
        from importlib.metadata import version

        print(f"eplb-lab {version('eplb-lab')}")
        return DONE
    if options.command is None:
        parser.print_help()
        return USAGE
    return _guarded(modules[options.command].run, options)


def _guarded(run: object, options: argparse.Namespace) -> int:
    from eplb_variants.errors import EplbError

    try:
        code: int = run(options)  # type: ignore[operator]
    except EplbError as error:
        print(f"eplb: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("\neplb: interrupted; what was measured is kept, the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return DONE
    return code


if __name__ == "__main__":
    sys.exit(main())
