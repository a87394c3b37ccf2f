"""The refiner that swaps slots and lets replicas change hands."""

from __future__ import annotations

from dataclasses import dataclass

from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.refining.search import Effort, by_speed, improve_rows
from eplb_variants.registry import register


@register("refiner", "transfers", "swaps, and replicas that become another expert's, whichever gains most a slot")
@dataclass(frozen=True)
class Transfers:
    """Choose counts and packing together: swaps as ``swaps`` makes them, and replicas that become another expert's.

    A transfer either makes an expert of the fullest GPU lighter by one more copy, in a slot of an expert that has
    several, or gives a slot of the fullest GPU to a lighter expert. Whatever lowers the fullest GPU most for each slot
    that changes is done first.

    Args:
        changes: slots that may change at most, times the number of GPUs, 0 or more.
        enough: ends where the fullest GPU is no more than this part above the mean.
    """

    changes: float = 8.0
    enough: float = 0.0005

    def __post_init__(self) -> None:
        if not (self.changes >= 0 and self.enough >= 0):
            raise EplbError(f"changes is {self.changes} and enough {self.enough}: both must be 0 or more")

    def effort(self, num_gpus: int) -> Effort:
        """Return how far it goes on so many GPUs."""
        return Effort(int(self.changes * num_gpus), self.enough, transfers=True)

    def __call__(self, load: FloatArray, slots: IntArray, speed: FloatArray) -> IntArray:
        """Return ``slots [N, P]``, refined, for ``load [N, E]`` on GPUs of ``speed [N, G]``."""
        num_gpus = speed.shape[1]
        return improve_rows(load, by_speed(load, slots, speed), speed, num_gpus, self.effort(num_gpus))
