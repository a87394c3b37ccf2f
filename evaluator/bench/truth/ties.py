"""What ties do to verdicts: how often equals get one that differ in the order of ties alone.

Equals are ``deepseek`` on two copies of the same windows with experts renamed. Every verdict on them is wrong. Beside
it stands the rule that a verdict needs a difference beyond the reach of ties, which a further ten copies measure; and
what it would cost ``seed_parent``, which is better than ``deepseek`` by little.
Shapes: R renamings, W windows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from eplb_variants import Topology, load_variant
from evaluator.analysis.paired import paired
from evaluator.analysis.statistics import BETTER, SAME, UNSURE
from evaluator.analysis.ties import reach_of
from evaluator.bench.compositions import balances, machine_for, recordings
from evaluator.bench.line import Line
from evaluator.progress import Progress
from evaluator.quality.renamed import renamed_balances
from evaluator.sweep.plan import make_plan
from evaluator.workloads.readers import read_trace
from evaluator.workloads.trace import in_windows
from evaluator.workloads.windows import WindowSequence

CONTROL, PAIRS, TRACES = 10, 10, 10
"""Copies that measure the reach of ties, pairs of equals on a trace, and traces of a load."""
SCENARIOS, SMALL = ("dsr1_decode", "small_batch", "quick"), ("workload.num_layers=8", "workload.windows=24")
INTERVALS, PIECE = (2, 4, 16), 24
"""Of recordings: steps in a window, and windows in a piece, which stands for a trace."""
WRONG = 0.05

Loads = Mapping[str, tuple[Topology, Iterable[WindowSequence]]]
"""By name, the topology and the traces."""


class Said(NamedTuple):
    """What was said on some traces.

    Attributes:
        equals: pairs of them.
        wrong: those with a verdict.
        wrong_beyond: those with a verdict on a difference beyond the reach of ties.
        traces: how many.
        found: those on which ``seed_parent`` was better.
        found_beyond: those on which it was better by more than the reach of ties.
    """

    equals: int = 0
    wrong: int = 0
    wrong_beyond: int = 0
    traces: int = 0
    found: int = 0
    found_beyond: int = 0

    def plus(self, other: Said) -> Said:
        """Return the sum of two."""
        return Said(*map(sum, zip(self, other, strict=True)))


def said_on(windows_WLE: WindowSequence, topology: Topology, seed: int) -> Said:
    """Return what is said of equals, and of ``seed_parent``, on one trace."""
    deepseek = load_variant("deepseek")
    copies_RW = renamed_balances(deepseek, windows_WLE, topology, CONTROL + 2 * PAIRS, seed)
    reach = reach_of(copies_RW[:CONTROL].mean(axis=1))
    pairs = zip(copies_RW[CONTROL::2], copies_RW[CONTROL + 1 :: 2], strict=True)
    said = [paired([[one]], [[other]]) for one, other in pairs]
    wrong = [one for one in said if one.verdict not in (SAME, UNSURE)]
    series = [[balances(variant, windows_WLE, topology).next_W] for variant in (load_variant("seed_parent"), deepseek)]
    parent = paired([series[0]], [series[1]])
    found = parent.verdict == BETTER
    beyond = sum(abs(one.difference.value) > reach for one in wrong)
    return Said(PAIRS, len(wrong), beyond, 1, found, found and abs(parent.difference.value) > reach)


def loads_with_ties(named: Sequence[str] = ()) -> Loads:
    """Return traces of some scenarios and pieces of recordings, on hierarchical and on global topologies.

    Args:
        named: recordings; without any, those of the folder ``EPLB_LAB_EXTRA_DATA``.
    """
    loads: dict[str, tuple[Topology, Iterable[WindowSequence]]] = {}
    for name in SCENARIOS:
        cell = make_plan([f"workload={name}", *SMALL, "measure=quality"]).cells[0]
        traces = [cell.workload.windows(seed) for seed in range(TRACES)]
        loads |= _on_both(name, cell.topology, traces)
    for path in recordings(named):
        steps_SLE = read_trace(path).counts
        for interval in INTERVALS:
            windows_WLE = in_windows(steps_SLE, interval)
            pieces = [windows_WLE[first : first + PIECE] for first in range(0, len(windows_WLE) - PIECE + 1, PIECE)]
            topology = machine_for(windows_WLE.shape[2])
            if pieces:
                loads |= _on_both(f"{path.stem}, {interval} steps", topology, pieces[:TRACES])
    return loads


def _on_both(name: str, topology: Topology, traces: Sequence[WindowSequence]) -> Loads:
    return {name: (topology, traces), f"{name}, global": (topology.flat(), traces)}


def measure_ties(progress: Progress, loads: Loads, seed: int = 0) -> list[Line]:
    """Return what is said of equals and of ``seed_parent`` on each load, and on all, as lines.

    Args:
        progress: told of every load.
        loads: on which.
        seed: of the renamings.
    """
    lines, total = [], Said()
    progress.start("ties", len(loads))
    for name, (topology, traces) in loads.items():
        said = Said()
        for number, windows_WLE in enumerate(traces):
            said = said.plus(said_on(windows_WLE, topology, seed + number))
        lines.append(_line(name, said))
        total = total.plus(said)
        progress.step(name)
    return [*lines, _line("all", total, f"at most {WRONG:.0%}")]


def _line(name: str, said: Said, target: str = "") -> Line:
    share = said.wrong / said.equals
    return Line(
        "ties",
        "verdicts on deepseek beside itself with experts renamed",
        f"{name}: {said.wrong} of {said.equals}, {said.wrong_beyond} beyond ties; "
        f"seed_parent better on {said.found} of {said.traces} traces, {said.found_beyond} beyond ties",
        100 * share,
        "%",
        target=target,
        met=share <= WRONG if target else None,
    )
