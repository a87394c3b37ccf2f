"""The project's own semantics: a SEARCH is a run of whole lines and matches in one place, or nothing is done."""

from __future__ import annotations

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.document import Document, Edit
from evaluator.candidates.documents.evolve_block import Region, is_marker, regions
from evaluator.candidates.documents.matching.applied import Applied, NotApplied
from evaluator.candidates.documents.matching.closest import closest_region
from evaluator.candidates.documents.matching.runs import equal_runs
from evaluator.candidates.documents.matching.work import Work
from evaluator.candidates.documents.text import dominant_end, listed, split_lines, without_end


def apply(document: Document, parent: str) -> Applied:
    """Return the parent with all edits made, or the whole program that the document gives.

    Lines are compared without their ends, otherwise exactly. Each edit is made in the text so far. A match counts
    wherever it is, but must be the only one and, where the parent has EVOLVE-BLOCKs, lie within one. Replacements take
    the line end that most lines of the parent have; nothing outside a match changes by a byte. A ``<CODE>`` without
    markers goes between those of the parent; any other program takes the parent's place.

    Raises:
        NotApplied: a SEARCH is empty, is not found, is found several times or outside the EVOLVE-BLOCK, or a
            replacement has a marker in it.
        EplbError: the document was malformed, the markers of the parent do not pair, or it takes too much work.
    """
    if document.fault is not None:
        raise EplbError(document.fault)
    if document.program is not None:
        return _apply_program(document, parent)
    text = _Text(parent)
    for number, edit in enumerate(document.edits):
        text.replace(edit, "the text so far" if number else "the parent")
    program = "".join(text.lines)
    notes = ("the edits leave the parent as it is",) if program == parent else ()
    return Applied(program, notes)


class _Text:
    """The text so far, as lines with their ends and without, and the regions that may be changed.

    What is replaced lies within a region, and no replacement has a marker: regions grow and move, and no others come.
    """

    def __init__(self, parent: str) -> None:
        self.lines = split_lines(parent)
        self._bare = [without_end(line) for line in self.lines]
        self._regions = regions(self.lines, "the parent")
        self._end = dominant_end(parent)
        self._work = Work()

    def replace(self, edit: Edit, text: str) -> None:
        """Make an edit, or raise; ``text`` is what this text is called then."""
        wanted = [without_end(line) for line in split_lines(edit.search)]
        where = f"the SEARCH of the block in line {edit.line}"
        if not any(line.strip() for line in wanted):
            raise NotApplied(f"{where} is empty: it says no place")
        replacement = [without_end(line) for line in split_lines(edit.replace)]
        if any(is_marker(line) for line in replacement):
            raise NotApplied(f"the REPLACE of the block in line {edit.line} contains an EVOLVE-BLOCK marker")
        first = self._only_match(wanted, where, text)
        last = first + len(wanted)
        if not self._may_be_changed(first, last):
            raise NotApplied(f"{where} matches in line {first + 1} of {text}, which is not within an EVOLVE-BLOCK")
        new = [line + self._end for line in replacement]
        if new and not self.lines[last - 1].endswith("\n"):  # the program has no final newline, and gets none
            new[-1] = replacement[-1]
        self.lines[first:last] = new
        self._bare[first:last] = [without_end(line) for line in new]
        self._shift(last, len(new) - len(wanted))

    def _only_match(self, wanted: list[str], where: str, text: str) -> int:
        places = equal_runs(self._bare, wanted, self._work)
        if len(places) > 1:
            numbers = listed([place + 1 for place in places])
            raise NotApplied(f"{where} matches in {len(places)} places of {text}, in lines {numbers}: it must in one")
        if places:
            return places[0]
        region = closest_region(wanted, self._bare)
        if region is None:
            raise NotApplied(f"{where} is not in {text}, nor anything like it")
        raise NotApplied(f"{where} is not in {text}: {region.sentence}", region.diff)

    def _may_be_changed(self, first: int, last: int) -> bool:
        allowed = self._regions
        return allowed is None or any(region.first <= first and last <= region.end for region in allowed)

    def _shift(self, last: int, lines: int) -> None:
        """Move the regions' ends behind a place by so many lines."""
        if self._regions is not None:
            self._work.spend(len(self._regions))
            self._regions = [
                Region(one.first + lines * (one.first >= last), one.end + lines * (one.end >= last))
                for one in self._regions
            ]


def _apply_program(document: Document, parent: str) -> Applied:
    program = document.program or ""
    lines = split_lines(parent)
    allowed = regions(lines, "the parent")
    own = regions(split_lines(program), "the candidate")
    if allowed is None:
        return Applied(program, ("a whole program takes the parent's place",))
    if not document.is_fragment or own is not None:
        return _replaced(program, lines)
    if len(allowed) > 1:
        raise NotApplied(
            f"the <CODE> has no EVOLVE-BLOCK markers, and the parent has {len(allowed)} blocks to put it in"
        )
    end = dominant_end(parent)
    code = [without_end(line) + end for line in split_lines(program)]
    (region,) = allowed
    spliced = "".join(lines[: region.first] + code + lines[region.end :])
    return Applied(spliced, ("the <CODE> was put between the parent's EVOLVE-BLOCK markers",))


def _replaced(program: str, parent: list[str]) -> Applied:
    notes = ["a whole program takes the parent's place"]
    if _outside(split_lines(program)) != _outside(parent):
        notes.append("it differs from the parent outside the EVOLVE-BLOCK, too")
    return Applied(program, tuple(notes))


def _outside(lines: list[str]) -> list[str]:
    allowed = regions(lines) or []
    inside = {number for region in allowed for number in range(region.first, region.end)}
    return [without_end(line) for number, line in enumerate(lines) if number not in inside]
