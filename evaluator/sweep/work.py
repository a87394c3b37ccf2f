"""What is to be done of a plan, and what is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from evaluator.config.launching import capacity
from evaluator.results.machine import describe_machine
from evaluator.results.store import Store
from evaluator.sweep.cell import Cell
from evaluator.sweep.identity import digest, timing_identity, variant_identity
from evaluator.sweep.plan import Plan


@dataclass(frozen=True)
class Work:
    """What is to be done, in whichever process.

    Args:
        plan: of the whole sweep.
        timing_key: the hash of how it takes times; None where it takes none.
        processes: how many work at the same time on one machine, and share its memory.
    """

    plan: Plan
    timing_key: str | None
    processes: int = 1

    def state(self, cell: Cell, store: Store) -> tuple[bool, bool]:
        """Return whether the quality and the time of a cell are as the plan wants them; what it wants anew is not."""
        quality, timed = store.done(cell.key, self.timing_key)
        refresh, measure = self.plan.refresh, self.plan.measure
        return quality and not (refresh and measure != "time"), self.timing_key is None or (timed and not refresh)


def timing_key(plan: Plan) -> str | None:
    """Return the hash of how a plan takes times; None where it takes none."""
    if plan.measure == "quality":
        return None
    machine = machine_of_times(plan.launcher)
    return digest(asdict(plan.timing), variant_identity(plan.reference), timing_identity(), machine)


def machine_of_times(launcher: Sequence[str]) -> str:
    """Return under what name times are kept: this machine, or a launcher's, whose nodes are not known before."""
    return describe_machine() if not launcher or capacity(launcher).here else "of the launcher"
