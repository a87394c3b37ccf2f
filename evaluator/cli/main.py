"""The command ``eplb``: finds the subcommand, turns errors into sentences and exit codes."""

from __future__ import annotations

import argparse
import atexit
import errno
import gc
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence

DONE, GATE, USAGE, CRASHED, OURS, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""Exit codes: done; judged, and the gate says no; usage or configuration; the thing under test crashed; our fault."""

COMMANDS = {
    "evaluate": "run variants on workloads and write the results to parquet",
    "score": "judge candidates, SEARCH/REPLACE documents or programs, against their parent",
    "evolve": "folders in which evolution engines search on this bench, and the score that they ask for",
    "search": "look for compositions of stages that are better, quicker or move less, without a language model",
    "apply": "make the program that a candidate stands for",
    "compare": "tables and plots from run folders",
    "ablate": "what each factor of a sweep does, and each pair beyond that",
    "list": "what there is: variants, stages, workloads, topologies, scores, suites, experiments",
    "suite": "what is in a suite, and whether this machine makes the same loads",
    "workload": "describe, fit: what a recording is like, the synthetic scenario that comes closest to it",
    "runs": "what was measured: cells, variants, workloads, when, size",
    "board": "judge entries, variants and programs, on a suite, and write the board: one HTML page, one parquet file",
    "report": "one HTML page from run folders, that sorts, filters and prints",
    "bench": "benchmarks, as ratios measured side by side",
    "selftest": "compare a variant with itself: the bench must see no difference",
}

EPILOG = """\
examples:
  eplb evaluate variant=seed workload=dsr1_decode topology=adrs
  eplb evaluate -m variant=deepseek,seed_parent,seed 'workload=glob(*)' seed=0,1,2
  eplb score patch.txt --parent balancer.py
  eplb compare runs/default
  eplb report runs/default -o report.html
  eplb list variants

exit codes: 0 done, 1 judged and the gate says no, 2 usage or configuration,
3 a variant crashed, 4 our fault, 130 interrupted
"""


def command() -> int:
    """Run as the program of a process, and return its exit code."""
    spare_collector()
    return main()


def spare_collector() -> None:
    """Have Python's collector look less often through what this process imports, and not once more at its end.

    That was a third of the time of a short command.
    """
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; prints the error sentence itself."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in COMMANDS:
        name, *rest = given
        module = importlib.import_module(f"evaluator.cli.{name}")  # a command is imported only when it is asked for
        summary = COMMANDS[name]
        parser = _parser(f"eplb {name}", f"{summary[0].upper()}{summary[1:]}.")
        module.configure(parser)
        return _guarded(module.run, parser.parse_intermixed_args(rest))
    parser = _parser(
        "eplb", "The bench on which expert-placement algorithms for Mixture-of-Experts models are judged.", EPILOG
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, summary in COMMANDS.items():
        commands.add_parser(name, help=summary)
    if parser.parse_args(given).version:
        from importlib.metadata import version

        print(f"eplb-lab {version('eplb-lab')}")
        return DONE
    parser.print_help()
    return USAGE


def _parser(prog: str, description: str, epilog: str | None = None) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=prog, description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def _guarded(run: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    from eplb_variants.errors import EplbError

    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = run(options)
        sys.stdout.flush()
        return code
    except EplbError as error:
        print(f"eplb: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("\neplb: interrupted; what was measured is kept, the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    except MemoryError as error:
        why = f": {error}" if str(error) else ""
        print(f"eplb: there is not enough memory for this{why}; what was measured is kept", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        sys.stderr.close()
        return DONE
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) or error.filename is not None:
            return _ours()
        print(f"eplb: the output cannot be written: {error.strerror}; what was measured is kept", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left of it is not tried again
        return USAGE
    except Exception:
        return _ours()


def _ours() -> int:
    """Print the traceback of a mistake of ours, for whoever mends it."""
    traceback.print_exc()
    print("eplb: this is a fault of eplb-lab, not of yours; what was measured is kept", file=sys.stderr)
    return OURS


def _terminate(number: int, frame: object) -> None:
    """End as Ctrl-C does: what was started is ended, what was measured is kept."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(command())
