"""How ShinkaEvolve takes a whole program: from its Python fence into the parent's EVOLVE-BLOCKs."""

from __future__ import annotations

import re

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.matching.shinka_markers import END, START, markers, mutable_spans

FENCES = ("python", "py")


def rewrite(raw: str, parent: str) -> str:
    """Return the parent with what is between its markers replaced by the fenced code.

    Code with both markers gives block for block what is between them. Code with none, or with one of them, goes into
    the only block, without what it repeats of the text outside the markers.

    Raises:
        EplbError: there is no Python fence, the parent has no EVOLVE-BLOCK, or several and the code does not say which.
    """
    code = _fenced(raw)
    spans = mutable_spans(parent)
    if not spans:
        raise EplbError("the parent has no EVOLVE-BLOCK")
    start, end = next(markers(code, START), None), next(markers(code, END), None)
    if start and end:
        return _block_for_block(code, parent, spans)
    if len(spans) > 1:
        raise EplbError(f"the parent has {len(spans)} EVOLVE-BLOCKs, and the code does not say which it is for")
    (span,) = spans
    before, after = _outside(parent, span)
    if start:
        code = _without_end(code[start.end :], after)
    elif end:
        code = _without_start(code[: end.start], before)
    else:
        code = _without_repetition(code, before, after)
    return parent[: span[0]] + _on_own_lines(code) + parent[span[1] :]


def _fenced(raw: str) -> str:
    for language in FENCES:
        if (match := re.search(rf"```{language}(.*?)```", raw, re.DOTALL)) is not None:
            return match.group(1).strip()
    raise EplbError("the document has no Python fence, without which shinka sees no program")


def _block_for_block(code: str, parent: str, spans: list[tuple[int, int]]) -> str:
    given = mutable_spans(code)
    parts: list[str] = []
    done = 0
    for index, (start, end) in enumerate(spans):
        inside = code[slice(*given[index])] if index < len(given) else parent[start:end]
        parts += [parent[done:start], inside]
        done = end
    return "".join([*parts, parent[done:]])


def _outside(parent: str, span: tuple[int, int]) -> tuple[str, str]:
    """Return the text ahead of the START marker and that behind the END marker."""
    start = next(marker.start for marker in markers(parent, START) if marker.end == span[0])
    end = next(marker.end for marker in markers(parent, END) if marker.start == span[1])
    return parent[:start], parent[end:]


def _without_repetition(code: str, before: str, after: str) -> str:
    """Return the code without the parent's beginning and end, where it has both."""
    for ending in (after, after.rstrip("\r\n")):
        if code.startswith(before) and code.endswith(ending):
            return code[len(before) : len(code) - len(ending)]
    return code


def _without_end(code: str, after: str) -> str:
    return next((code.removesuffix(end) for end in (after, after.rstrip("\r\n")) if end and code.endswith(end)), code)


def _without_start(code: str, before: str) -> str:
    starts = (before, before.rstrip("\r\n"))
    return next((code.removeprefix(start) for start in starts if start and code.startswith(start)), code)


def _on_own_lines(code: str) -> str:
    """Return code that leaves the markers on lines of their own; nothing stays nothing."""
    if not code:
        return code
    return ("" if code.startswith("\n") else "\n") + code + ("" if code.endswith("\n") else "\n")
