"""The refiner that swaps slots of the fullest GPU."""

from __future__ import annotations

from dataclasses import dataclass

from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.refining.search import Effort, by_speed, improve_rows
from eplb_variants.registry import register


@register("refiner", "swaps", "swaps between the fullest GPU and any other, the best one first")
@dataclass(frozen=True)
class Swaps:
    """Swap two slots as long as that makes the fullest GPU less full, but no GPU fuller than it was.

    Of all swaps of a slot of the fullest GPU with one of another, the one that leaves the fuller of the two least full
    is made. No swap puts two copies of an expert on one GPU. Counts of replicas stay.

    Args:
        swaps: at most so many, times the number of GPUs, 0 or more.
        enough: ends where the fullest GPU is no more than this part above the mean, or above the heaviest replica.
    """

    swaps: float = 4.0
    enough: float = 0.0005

    def __post_init__(self) -> None:
        if not (self.swaps >= 0 and self.enough >= 0):
            raise EplbError(f"swaps is {self.swaps} and enough {self.enough}: both must be 0 or more")

    def effort(self, num_gpus: int) -> Effort:
        """Return how far it goes on so many GPUs."""
        return Effort(2 * int(self.swaps * num_gpus), self.enough)

    def __call__(self, load: FloatArray, slots: IntArray, speed: FloatArray) -> IntArray:
        """Return ``slots [N, P]``, refined, for ``load [N, E]`` on GPUs of ``speed [N, G]``."""
        num_gpus = speed.shape[1]
        return improve_rows(load, by_speed(load, slots, speed), speed, num_gpus, self.effort(num_gpus))
