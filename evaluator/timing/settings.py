"""How to time: apart from the timing itself, so that a configuration can be composed without what measures."""

from __future__ import annotations

import math
from dataclasses import dataclass

from eplb_variants.errors import EplbError

MOST_REPEATS = 100
"""Calls of a contestant in a round, at most."""


@dataclass(frozen=True)
class TimingSettings:
    """How to time.

    Args:
        rounds: rounds, 3 or more; each has calls of the variant and of the reference in turn, of which the quickest of
            each counts. Rounds in which a call did not have its core are drawn again.
        min_rounds: rounds at least, however slow the variant; 3 or more.
        seconds: after this long no further round of a variant begins.
        repeats: calls of each in a round, at least, 1 or more; fewer where the fewest rounds would take longer than
            ``seconds``.
        sample_seconds: a round of quick calls has so many of them that it takes this long.
        threads: threads that numeric libraries may use.
        callers: whether to time what callers pay beside a placement: maps, torch tensors, a cold cache. It takes about
            three times as long again.
        wait_seconds: how long to wait for another timing pass on the machine before measuring all the same.
    """

    rounds: int = 20
    min_rounds: int = 6
    seconds: float = 2.0
    repeats: int = 5
    sample_seconds: float = 0.02
    threads: int = 1
    callers: bool = False
    wait_seconds: float = 60.0

    def __post_init__(self) -> None:
        counts = (("rounds", 3), ("min_rounds", 3), ("repeats", 1), ("threads", 1))
        for name, least in (*counts, ("seconds", 0), ("sample_seconds", 0), ("wait_seconds", 0)):
            if getattr(self, name) < least:
                raise EplbError(f"timing.{name} is {getattr(self, name)}: it must be {least} or more")

    def repeats_of(self, seconds: float) -> int:
        """Return how often a round calls two sides that take ``seconds``, above 0, for a call of each.

        As often as fills the time of a sample, and no less than ``repeats``: of five calls one has its core even where
        two others want it half of the time each. Fewer where the fewest rounds would take longer than all may.
        """
        affordable = int(self.seconds / (self.min_rounds * seconds))
        least = max(min(self.repeats, affordable), 1)
        return min(max(math.ceil(self.sample_seconds / seconds), least), MOST_REPEATS)
