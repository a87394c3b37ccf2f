"""What the semantics that match parts of lines have in common: saying where a match fell and how sure it was."""

from __future__ import annotations

from evaluator.candidates.documents.text import line_of, listed


def places_of(needle: str, text: str) -> list[int]:
    """Return every position at which a text that is not empty stands, overlapping ones too."""
    found: list[int] = []
    position = text.find(needle)
    while position >= 0:
        found.append(position)
        position = text.find(needle, position + 1)
    return found


def notes_on_match(block: int, needle: str, text: str, before: str = "") -> list[str]:
    """Return what should be known of taking the first match: that there are several, that it is no run of lines.

    Args:
        block: the number of the block, from 1
        needle: what was searched, not empty
        text: the text in which its first occurrence is replaced
        before: what stands ahead of that text in the program
    """
    places = places_of(needle, text)
    if not places:
        return []
    ahead = line_of(before, len(before)) - 1
    numbers = [ahead + line_of(text, place) for place in places]
    notes = []
    if len(places) > 1:
        lines = listed(list(dict.fromkeys(numbers)))
        notes.append(
            f"block {block} is ambiguous: it matches in {len(places)} places, lines {lines}; the first was taken"
        )
    whole = [number for place, number in zip(places, numbers, strict=True) if _is_run_of_lines(place, needle, text)]
    if not whole:
        return notes
    if not _is_run_of_lines(places[0], needle, text):
        notes.append(f"block {block} landed within line {numbers[0]}, although line {whole[0]} has it as whole lines")
    return notes


def _is_run_of_lines(place: int, needle: str, text: str) -> bool:
    """Whether a match is all that its lines hold, but for the white space around it that a framework may strip."""
    line_start = text.rfind("\n", 0, place) + 1
    end = place + len(needle)
    line_end = text.find("\n", end)
    after = text[end : line_end if line_end >= 0 else len(text)]
    return line_start == place and not after.strip()
