"""How to time: apart from the timing itself, so that a configuration can be composed without what measures."""

from __future__ import annotations

from dataclasses import dataclass

from eplb_variants.errors import EplbError


@dataclass(frozen=True)
class TimingSettings:
    """How to time.

    Args:
        rounds: rounds at most, 3 or more; each has one call of the variant and one of the reference.
        min_rounds: rounds at least, however slow the variant; 3 or more.
        seconds: after this long no further round of a variant begins.
        sample_seconds: a round of quick calls has so many of them, variant and reference in turn, that it takes this
            long: one call of a tenth of a millisecond is mostly noise.
        threads: threads that numeric libraries may use.
        wait_seconds: how long to wait for another timing pass on the machine before measuring all the same.
    """

    rounds: int = 20
    min_rounds: int = 6
    seconds: float = 2.0
    sample_seconds: float = 0.01
    threads: int = 1
    wait_seconds: float = 60.0

    def __post_init__(self) -> None:
        counts = (("rounds", 3), ("min_rounds", 3), ("threads", 1))
        for name, least in (*counts, ("seconds", 0), ("sample_seconds", 0), ("wait_seconds", 0)):
            if getattr(self, name) < least:
                raise EplbError(f"timing.{name} is {getattr(self, name)}: it must be {least} or more")
