"""Damage to documents: candidates of every grammar, and what breaks their grammar, their characters or their size."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.random import Generator

from evaluator.bench.damage.anywhere import cut, insert, move, overwrite, place_in, turn_bits
from evaluator.bench.damage.common import Damage, pick
from evaluator.candidates.documents.mojibake import damage
from evaluator.candidates.program import example_candidates, example_program

MARKERS = (
    *("<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE", "<DIFF>", "</DIFF>", "<CODE>", "</CODE>", "<NAME>", "</NAME>"),
    *("```", "```python", "~~~", "# EVOLVE-BLOCK-START", "# EVOLVE-BLOCK-END", "<DESCRIPTION>", "</DESCRIPTION>"),
)
CHARACTERS = (
    *("\r", "\x00", "\x1b[31m", "\x85", "\u2028", "\u202e", "\u2066", "\u200b", "\u200d", "\u2060", "\ufeff", "\u3164"),
    *(
        "\U000e0041",
        "\u0301" * 50,
        "[/red]",
        "[bold]",
        "\ud7ff",
        "\U0001f642",
        "Ã©",
        "\t",
        "\x0c",
        " " * 300,
        "\n" * 300,
    ),
)
"""What terminals, tables or Python may take for something else."""
UNITS = (
    *MARKERS,
    *CHARACTERS,
    "(",
    "[",
    "not ",
    "-",
    "x = 1",
    "<",
    "`",
    "=",
    "f'{",
    "\\\n",
    "if x:",
    "{1:",
    "lambda: ",
)
MOST_REPEATED = (10, 100, 1000, 5000)


def put_marker(content: bytes, generator: Generator) -> bytes:
    """Put a marker on a line of its own, or in place of one."""
    lines = content.split(b"\n")
    place = int(generator.integers(len(lines)))
    indent = b" " * int(generator.choice([0, 0, 0, 4]))
    lines[place : place + int(generator.integers(2))] = [indent + pick(MARKERS, generator).encode()]
    return b"\n".join(lines)


def put_characters(content: bytes, generator: Generator) -> bytes:
    """Put characters that are not seen, or obeyed, somewhere."""
    place = place_in(content, generator)
    return content[:place] + pick(CHARACTERS, generator).encode() + content[place:]


def repeat(content: bytes, generator: Generator) -> bytes:
    """Put something there many times, on lines of its own or not."""
    place = place_in(content, generator)
    unit = pick(UNITS, generator) + pick(("", "\n", "\r\n", " "), generator)
    return content[:place] + unit.encode() * int(pick(MOST_REPEATED, generator)) + content[place:]


def change_lines(content: bytes, generator: Generator) -> bytes:
    """Leave lines out, say them twice, or exchange them."""
    lines = content.split(b"\n")
    for _ in range(int(generator.choice([1, 1, 3, 10]))):
        one, other = int(generator.integers(len(lines))), int(generator.integers(len(lines)))
        kind = int(generator.integers(3))
        if kind == 0 and len(lines) > 1:
            del lines[one]
        elif kind == 1:
            lines.insert(other, lines[one])
        else:
            lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def change_ends(content: bytes, generator: Generator) -> bytes:
    """Give lines other ends, all of them or some."""
    lines = content.split(b"\n")
    ends = pick(((b"\r\n",), (b"\r",), (b"\n", b"\r\n"), (b"\n", b"\n\r", b"\r")), generator)
    return b"".join(line + pick(ends, generator) for line in lines)


def recode(content: bytes, generator: Generator) -> bytes:
    """Decode it wrongly, or write it in another encoding."""
    text = content.decode("utf-8", "replace")
    kind = int(generator.integers(3))
    if kind == 0:
        return damage(text).encode()
    if kind == 1:
        return text.encode(pick(("utf-16", "utf-8-sig", "cp1252", "utf-32-be"), generator), "replace")
    return b"# -*- coding: " + pick((b"latin-1", b"utf-7", b"utf-8", b"x" * 99), generator) + b" -*-\n" + content


DOCUMENTS: tuple[Damage, ...] = (
    *(put_marker, put_characters, repeat, change_lines, change_ends, recode),
    *(cut, turn_bits, overwrite, insert, move),
)


@cache
def samples() -> tuple[bytes, ...]:
    """Return whole documents: the examples, in every grammar that there is."""
    texts = [path.read_text(encoding="utf-8") for path in example_candidates()]
    patches = [text for text in texts if "<<<<<<< SEARCH" in text]
    inside = [text.partition("<DIFF>\n")[2].rpartition("</DIFF>")[0] for text in patches if "<DIFF>" in text]
    program = example_program().source
    forms: tuple[Callable[[str], str], ...] = (
        lambda text: text,
        lambda text: f"I would change this:\n\n```diff\n{text}```\n\nIt helps.\n",
        lambda text: f"<NAME>\nan idea\n</NAME>\n<DIFF>\n{text}</DIFF>",
    )
    made = [form(text) for text in inside for form in forms]
    whole = [
        program,
        f"```python\n{program}```\n",
        f"<CODE>\n{program}</CODE>\n",
        f"<CODE>\n```python\n{program}```\n</CODE>",
    ]
    return tuple(text.encode() for text in [*texts, *made, *whole])


def damaged_document(number: int, seed: int = 0) -> bytes:
    """Return the content of a damaged document; one in fifty is whole.

    Args:
        number: which document, from 0.
        seed: of all.
    """
    generator = np.random.default_rng([seed, number])
    content: bytes = pick(samples(), generator)
    if generator.random() < 0.02:
        return content
    for _ in range(int(generator.choice([1, 1, 1, 2, 3]))):
        content = pick(DOCUMENTS, generator)(content, generator)
    return content
