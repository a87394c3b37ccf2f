"""A process at work on cells, beside others perhaps: it claims a cell, has a child measure it, notes what failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, TypeVar

from eplb_variants.errors import EplbError, printable
from eplb_variants.kernels.ahead import import_all
from evaluator.results.claims import Claims
from evaluator.results.log import add_to_log, log_path
from evaluator.results.schema import FAILED, OK, SKIPPED
from evaluator.results.store import Store
from evaluator.sweep.calls import NOBODY, REFERENCE, Calls
from evaluator.sweep.cell import Cell
from evaluator.sweep.child import UNREADABLE, Child, Ended
from evaluator.sweep.measure import Measuring, block_order, name_of, note, place_of, times_log
from evaluator.sweep.result import SweepResult
from evaluator.sweep.work import Work

WAIT_SECONDS = 0.2
"""Between two looks at what other processes are doing."""
ANSWERED = {"quality": {"status", "reason", "spoiled"}, "times": {"status", "reason", "spoiled", "timed", "who"}}
"""What the child says of each request; see ``Measuring``."""
_T = TypeVar("_T")


class Worker:
    """A process at work; a context manager, whose end is that of its child.

    Args:
        work: what is to be done.
        cells: those that it may be asked to measure or to time.
        result: where it says what became of them.
        done: told of each cell that is done.
    """

    def __init__(self, work: Work, cells: Sequence[Cell], result: SweepResult, done: Callable[[str], None]) -> None:
        self._work, self._result, self._done = work, result, done
        self._store = Store(work.plan.folder.resolve())  # what is measured may change the folder that it runs in
        self._claims = Claims(self._store.folder)
        self._numbers = {cell.key: number for number, cell in enumerate(cells)}
        self._calls = Calls()
        plan = work.plan
        measuring = Measuring(cells, self._store, self._calls, plan.reference, plan.timing, work.timing_key)
        self._child = Child(
            lambda request: getattr(measuring, request[0])(request[1]),
            self._calls,
            plan.limits.place_seconds,
            plan.limits.memory_bytes(work.processes),
        )
        if cells:
            import_all(others=False)  # every child would import them anew

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        self._child.close()
        self._claims.close()

    def measure(self, cells: Sequence[Cell]) -> None:
        """Measure the quality of cells, but those that another process has measured meanwhile."""

        def one(cell: Cell, waited: bool) -> None:
            if not (self._trusts_others(waited) and self._store.done(cell.key, None)[0]):
                self._measure(cell)
            self._done(name_of(cell))

        self._claiming(cells, lambda cell: cell.key, one)

    def _measure(self, cell: Cell) -> None:
        log = log_path(self._store.folder, cell.key)
        try:
            answer = self._ask("quality", self._numbers[cell.key], log, [cell])
            if not self._store.read(cell.key, ["status"]):
                self._child.close()
                raise Ended(f"{UNREADABLE}: it wrote no results")
        except Ended as ended:
            answer = {"status": FAILED, "reason": str(ended)}
            note(self._store, cell, FAILED, str(ended))
            add_to_log(self._store.folder, cell.key, FAILED, str(ended))
            self._store.clear(cell.key)
        if answer["status"] == OK:
            self._result.measured += 1
        else:
            self._noted(answer["status"], name_of(cell), answer["reason"])

    def _ask(self, what: str, about: Any, log: Any, cells: Sequence[Cell]) -> dict[str, Any]:
        """Have the child do something; one whose memory or interpreter was abused does nothing more.

        Nor does one that ran a stranger's code: whatever that changed, such as a library's functions, is gone with it.
        """
        guests = not all(cell.variant.is_proven for cell in cells)
        self._calls.forget()
        try:
            answer = self._child.ask([what, about], log)
        except (EplbError, RuntimeError) as error:
            self._child.close()
            if not guests:
                raise
            said = str(error).strip().splitlines() or [""]
            raise Ended(f"its process broke: {printable(said[-1])}") from None
        if not isinstance(answer, dict) or not ANSWERED[what] <= answer.keys():
            self._child.close()
            raise Ended(UNREADABLE)
        if answer["spoiled"] or guests:
            self._child.close()
        return answer

    def _noted(self, status: str, name: str, reason: str) -> None:
        where = self._result.skipped if status == SKIPPED else self._result.failed
        where[name] = reason

    def take_times(self, cells: Sequence[Cell]) -> None:
        """Take the times of cells whose quality was measured, a block at a time; not of those timed meanwhile."""
        key = self._work.timing_key

        def one(block: list[Cell], waited: bool) -> None:
            good = [cell for cell in block if self._store.done(cell.key, None)[0]]
            if self._trusts_others(waited):
                good = [cell for cell in good if not self._store.done(cell.key, key)[1]]
            ours = [cell for cell in good if cell.variant.is_proven]
            guests = [[cell] for cell in good if not cell.variant.is_proven]  # nothing of theirs stands beside ours
            for part in [ours, *guests] if key is not None else []:
                self._take_times(part)
            for cell in block:
                self._done(name_of(cell))

        blocks = [list(block) for _, block in groupby(sorted(cells, key=block_order), key=block_order)]
        self._claiming(blocks, lambda block: f"time {block_order(block[0])}", one)

    def _take_times(self, block: list[Cell]) -> None:
        """Time a block; whoever fails costs its own times, and the others are timed without it."""
        while block:
            log = times_log(block[0])
            try:
                numbers = [self._numbers[cell.key] for cell in block]
                answer = self._ask("times", numbers, log_path(self._store.folder, log), block)
            except Ended as ended:
                answer = {"timed": 0, "status": FAILED, "reason": str(ended), "who": self._calls.last().who}
                add_to_log(self._store.folder, log, FAILED, str(ended))
                self._clear(block)
            self._result.timed += answer["timed"]
            if answer["status"] == OK:
                return
            culprits = [cell for cell in block if self._numbers[cell.key] == answer["who"]]
            if self._work.plan.reference.is_proven:
                culprits += [cell for cell in block if not cell.variant.is_proven and cell not in culprits]
            if not culprits:
                whose = {REFERENCE: f", for the reference {self._work.plan.reference.name}", NOBODY: ""}
                name = f"times on {place_of(block[0])}{whose.get(answer['who'], '')}"
                self._noted(answer["status"], name, answer["reason"])
                return
            self._noted(answer["status"], f"times of {name_of(culprits[0])}", answer["reason"])
            block = [cell for cell in block if cell not in culprits]

    def _clear(self, cells: Iterable[Cell]) -> None:
        """Delete what the child left half written of cells, but of those that another process is writing."""
        for cell in cells:
            with self._claims.claim(cell.key) as ours:
                if ours:
                    self._store.clear(cell.key)

    def _trusts_others(self, waited: bool) -> bool:
        """Return whether what is there now will do; where all is wanted anew, only what came while we waited."""
        return waited or not self._work.plan.refresh

    def _claiming(self, items: Iterable[_T], claim_of: Callable[[_T], str], do: Callable[[_T, bool], None]) -> None:
        """Do something with each item while it is claimed; what others have claimed comes later."""
        left, waited = list(items), False
        while left:
            taken = []
            for item in left:
                with self._claims.claim(claim_of(item)) as ours:
                    if ours:
                        do(item, waited)
                    else:
                        taken.append(item)
            left, waited = taken, True
            if left:
                time.sleep(WAIT_SECONDS)
