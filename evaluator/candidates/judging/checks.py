"""What a program's answer must satisfy.

Shapes: L layers, E logical experts, P slots.
"""

from __future__ import annotations

import time

from eplb_variants import EplbError, Placement, Topology, check_placement
from eplb_variants.placement import groups_stay_together
from evaluator.candidates.sandbox.failure import TIMED_OUT, CandidateFailed
from evaluator.candidates.sandbox.worker import Answer

ANSWER, PHY2LOG, LOGCNT, LOG2PHY, LOCALITY, STATE = "answer", "phy2log", "logcnt", "log2phy", "locality", "state"
"""Names of the checks: an answer came; the placement is one; the maps agree with it; groups stay on their nodes; an
answer depends on the load of this call and not on the last one's."""

WORKLOAD, LOADING = "the workload", "loading the program"
"""Names of what is no hard load: a window, and what comes before the first one."""


class Invalid(Exception):
    """A program failed a check.

    Attributes:
        check: name of the check.
        load: name of the load, a hard one or the workload.
        detail: what was wrong. May quote the program's output: for people, never for a model.
        timed_out: whether there was no answer in time.
    """

    def __init__(self, check: str, load: str, detail: str, *, timed_out: bool = False) -> None:
        super().__init__(f"{check} on {load}: {detail}")
        self.check, self.load, self.detail, self.timed_out = check, load, detail, timed_out


def checked(answer: Answer, shape: tuple[int, ...], topology: Topology, load: str) -> Placement:
    """Return the placement of an answer for a load of ``shape`` ``[L, E]``; Invalid names the first check it fails."""
    num_layers, num_experts = shape
    if answer.phy2log is None:
        raise Invalid(PHY2LOG, load, "nothing was returned")
    if answer.phy2log.shape != (num_layers, topology.num_slots):
        detail = f"phy2log has shape {list(answer.phy2log.shape)}: it must be [{num_layers}, {topology.num_slots}]"
        raise Invalid(PHY2LOG, load, detail)
    maps = {"logcnt": answer.logcnt, "log2phy": answer.log2phy}
    try:
        placement = check_placement(answer.phy2log, num_experts, topology, **maps)
    except EplbError:
        raise _first_wrong(answer, num_experts, topology, load) from None
    hierarchical = topology.hierarchical and topology.num_nodes > 1 and num_experts % topology.num_groups == 0
    if hierarchical and not groups_stay_together(placement, topology.num_groups):
        raise Invalid(LOCALITY, load, "a group's replicas lie on several nodes, though groups divide over nodes")
    return placement


def _first_wrong(answer: Answer, num_experts: int, topology: Topology, load: str) -> Invalid:
    """Return which of the maps of an answer, which do not all pass, is the first that does not, and why."""
    maps = {PHY2LOG: {}, LOGCNT: {"logcnt": answer.logcnt}, LOG2PHY: {"log2phy": answer.log2phy}}
    for check, more in maps.items():
        try:
            check_placement(answer.phy2log, num_experts, topology, **more)
        except EplbError as error:
            return Invalid(check, load, str(error))
    raise AssertionError("maps that pass one by one pass together")


def in_time(deadline: float) -> None:
    """Raise Invalid after ``deadline`` (of ``time.monotonic``): a program may be slow, not slow again and again."""
    if time.monotonic() > deadline:
        raise Invalid(ANSWER, WORKLOAD, "its answers take too long in all", timed_out=True)


def failed(error: CandidateFailed, load: str) -> Invalid:
    """Return a failure to answer as a failed check."""
    late = error.kind == TIMED_OUT
    return Invalid(ANSWER, load, error.message if late else str(error), timed_out=late)
