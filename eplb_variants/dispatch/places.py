"""Where the experts of a layer are: an expert's copies on one GPU are one place, whatever their number."""

from __future__ import annotations

Places = list[list[tuple[int, list[int]]]]
"""By expert, its GPUs in order, each with the slots that it has there."""


def places_of(slots_P: list[int], num_gpus: int, num_experts: int) -> Places:
    """Return the places of each expert of a layer whose slots hold ``slots [P]``."""
    size = len(slots_P) // num_gpus
    places: Places = [[] for _ in range(num_experts)]
    for slot, expert in enumerate(slots_P):
        of_expert = places[expert]
        if not of_expert or of_expert[-1][0] != slot // size:
            of_expert.append((slot // size, []))
        of_expert[-1][1].append(slot)
    return places


def shares_of(places: Places, tokens: list[list[float]], num_slots: int) -> list[float]:
    """Return the shares of slots where places get ``tokens``; those of an expert without tokens are even."""
    share_P = [0.0] * num_slots
    for of_expert, parts in zip(places, tokens, strict=True):
        total, copies = sum(parts), sum(len(slots) for _, slots in of_expert)
        for (_, slots), part in zip(of_expert, parts, strict=True):
            for slot in slots:
                share_P[slot] = part / total / len(slots) if total > 0 else 1 / copies
    return share_P
