"""A candidate as it was written: a document with SEARCH/REPLACE blocks or ``<CODE>``, or a whole program."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.grammar import Content, Edit, fenced_program, first_part, scan
from evaluator.candidates.documents.mojibake import repair
from evaluator.candidates.documents.text import BOM, read_text

__all__ = ["Document", "Edit", "parse_document", "read_document"]

MAX_CHARACTERS = 400_000
"""Of a document: as much as a model can answer with, and little enough that none keeps a scorer busy."""
_OPENING = re.compile(r"<{7}\s*+SEARCH")
_FAULTS = (
    *("unexpected indent", "expected an indented block", "unindent does not match", "inconsistent use of tabs"),
    *("was never closed", "unmatched", "does not match opening", "unterminated", "unexpected EOF", "too many nested"),
    *("expected ':'", "cannot assign", "invalid character", "invalid non-printable character", "null bytes"),
    *("invalid decimal literal", "leading zeros", "positional argument follows", "f-string", "unicode error"),
)
"""What Python may say of a text that is no program. Its own sentences can quote the text, and what is said of a
document may be told to a model."""


@dataclass(frozen=True)
class Document:
    """A candidate, read but not yet applied.

    Attributes:
        name: what ``<NAME>`` says, or the name of the file
        description: what ``<DESCRIPTION>`` says, repaired where that is exact; empty where there is none
        raw: the text as it was found, unrepaired: what the frameworks' semantics work on
        edits: the blocks in order; empty for a whole program
        program: the whole program or the ``<CODE>``; None for edits
        notes: what was done to the text to read it, a sentence each
        is_fragment: the program came in ``<CODE>`` and may stand for the EVOLVE-BLOCK alone
        fault: why the document is rejected, where it was read with ``strict=False``
    """

    name: str
    description: str
    raw: str
    edits: tuple[Edit, ...] = ()
    program: str | None = None
    notes: tuple[str, ...] = ()
    is_fragment: bool = False
    fault: str | None = None

    @property
    def is_patch(self) -> bool:
        """Whether it is made of blocks, complete or not, rather than of a whole program."""
        return self.program is None and _OPENING.search(self.raw) is not None


def read_document(path: str | Path, parent: str = "", *, strict: bool = True) -> Document:
    """Return the candidate in a file, as ``parse_document`` does; its name is the file's where it names none.

    Raises:
        EplbError: the file cannot be read or is not UTF-8, or the document is malformed (only where ``strict``).
    """
    path = Path(path)
    return parse_document(read_text(path), parent, name=path.stem, strict=strict)


def parse_document(text: str, parent: str = "", *, name: str = "candidate", strict: bool = True) -> Document:
    """Return the candidate in a text.

    Text that is Python as a whole is a program, whatever stands in its strings. Else its blocks or its ``<CODE>`` are
    taken, and where there are none, its one fenced program.

    Args:
        text: the document with its own line ends
        parent: the program that it changes; damaged characters that stand in it too are not repaired
        name: what it is called where it does not say
        strict: False returns a malformed document with its ``fault`` instead of raising: some frameworks take such

    Raises:
        EplbError: a part is cut off (says in which line it began and where it ends), malformed, or there is nothing.
    """
    if len(text) > MAX_CHARACTERS:
        raise EplbError(f"the document has {len(text)} characters: more than {MAX_CHARACTERS} are not read")
    text_read, repaired = repair(text.removeprefix(BOM), parent)
    notes = () if repaired is None else (repaired,)
    if (invalid := why_no_program(text_read)) is None:
        return Document(name, "", text, program=text_read, notes=notes)
    named, body = _element(text_read, "NAME")
    description, body = _element(body, "DESCRIPTION")
    found, fault, is_fragment = Content(), None, False
    try:
        found = scan(body)
        is_fragment = found.program is not None
        if not found.edits and not is_fragment:
            found = Content(program=fenced_program(body))
            if found.program is None:
                raise EplbError(f"there is no SEARCH/REPLACE block, no <CODE> and no Python program: {invalid}")
    except EplbError as error:
        if strict:
            raise
        found, fault = Content(), str(error)
    return Document(
        named or name, description, text, found.edits, found.program, (*notes, *found.notes), is_fragment, fault
    )


def _element(text: str, tag: str) -> tuple[str, str]:
    """Return what stands in the first such element before any block, and the text with as many lines without it."""
    opening = re.search(rf"^[ \t]*+<{tag}>", text, re.MULTILINE)
    end = text.find(f"</{tag}>", opening.end()) if opening else -1
    if opening is None or end < 0 or opening.start() > first_part(text):
        return "", text
    inside = text[opening.end() : end]
    rest = "\n" * inside.count("\n") + text[end + len(f"</{tag}>") :]
    return inside.strip().replace("\r\n", "\n"), text[: opening.start()] + rest


def why_no_program(text: str) -> str | None:
    """Return why a text is no Python program, or None if it is one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a candidate's invalid escapes are its own affair
            body = ast.parse(text).body
    except SyntaxError as error:
        known = next((words for words in _FAULTS if words in error.msg), "invalid syntax")
        return f"line {error.lineno}: {known}" if error.lineno else known
    except ValueError:
        return "it has a null character, or a number that is too long"
    except (RecursionError, MemoryError):
        return "it is nested too deeply"
    return None if body else "it has no statement"
