"""Documents of any size that a careless parser takes ages for: each is a function of the number of its characters."""

from __future__ import annotations

import math
import random

OPEN, DIVIDE, CLOSE = "<<<<<<< SEARCH\n", "=======\n", ">>>>>>> REPLACE\n"
START, END = "# EVOLVE-BLOCK-START\n", "# EVOLVE-BLOCK-END\n"
LINE = "    a = 1\n"
PARENT = f"import os\n{START}def f(x):\n{LINE}    b = 2\n    return a\n{END}tail = 1\n"


def block(search, replace):
    return f"{OPEN}{search}{DIVIDE}{replace}{CLOSE}"


def filled(unit, size):
    return unit * (size // len(unit))


def chained(size, lines):
    """Blocks that each replace the last one's line, and put lines there."""
    links = [f"q{number}\n" for number in range(size // (50 + len(lines)))]
    return "".join(block(one, f"{other}{lines}") for one, other in zip([LINE, *links], links, strict=False))


def grown_once(size):
    """One large replacement, then many small ones in the text that has become long."""
    return block(LINE, f"{filled('z', size // 2)}\n" + "z\n" * (size // 8) + LINE) + chained(size // 4, "")


def alike_everywhere(size):
    """Blocks whose SEARCH is in one place, and nearly in half of all."""
    draw = random.Random(1)
    text = [draw.choice("xy") for _ in range(size // 4)]
    places = [draw.randrange(len(text) - 20) for _ in range(size // 180)]
    searched = ["\n".join(text[place : place + 20]) + "\n" for place in places]
    return block(LINE, "\n".join(text) + "\n") + "".join(block(search, search) for search in searched)


def indented_lines(size):
    """A line at every depth, and a SEARCH that begins with it and goes on otherwise."""
    lines = "".join(f"{' ' * depth}w\n" for depth in range(int(math.sqrt(size))))
    return block(LINE, lines) + block("w\n" + "v\n" * (size // 4), "r\n")


def rotated_lines(size):
    """Lines of the same letters in other orders, and one more that is in none of the places."""
    letters = "abcdefghij"
    lines = [letters[i % 10 :] + letters[: i % 10] + "qrst" * 10 + "\n" for i in range(size // 110)]
    return block(LINE, "".join(lines)) + block(f"{letters[::-1]}{'tsrq' * 10}\n", "r\n")


FAMILIES = {
    "blanks behind a fence": lambda size: f"```{' ' * size}!\n",
    "fences with blanks": lambda size: filled(f"```{' ' * 200}!\n", size),
    "a fence with a long word": lambda size: f"```{'w' * size}!\n",
    "a marker with blanks": lambda size: f"<<<<<<<{' ' * size}!\n",
    "an indented marker": lambda size: f"{' ' * size}<<<<<<< SEARC\n",
    "openings": lambda size: filled(OPEN, size),
    "dividers": lambda size: filled(DIVIDE, size),
    "an opening and dividers": lambda size: OPEN + filled(DIVIDE, size),
    "an opening and blank lines": lambda size: OPEN + "\n" * size,
    "blank lines in both parts": lambda size: OPEN + "\n" * (size // 2) + DIVIDE + "\n" * (size // 2),
    "blank lines in both parts, closed": lambda size: block("\n" * (size // 2), "\n" * (size // 2)),
    "blocks of blank lines that are not closed": lambda size: filled(f"{OPEN}{' ' * 9}{DIVIDE}\n\n\n\n", size),
    "less-than signs": lambda size: "<" * size,
    "less-than signs in lines": lambda size: filled("<<<<<<<   ", size),
    "greater-than signs": lambda size: OPEN + DIVIDE + ">" * size,
    "equals signs": lambda size: OPEN + "=" * size,
    "backticks": lambda size: "`" * size,
    "fences": lambda size: filled("```\n", size),
    "fences of Python": lambda size: filled("```python\n", size),
    "an open fence": lambda size: "```python\n" + filled("x = 1\n", size),
    "names": lambda size: filled("<NAME>\n", size),
    "blanks before names": lambda size: filled("   \t <NAME\n", size),
    "diffs": lambda size: filled(f"<DIFF>\n{block(LINE, LINE)}</DIFF>\n", size),
    "code": lambda size: filled("<CODE>\nx = 1\n</CODE>\n", size),
    "code that is not closed": lambda size: filled("<CODE>\n", size),
    "fences in code": lambda size: f"<CODE>\n{filled('```' + chr(10), size)}</CODE>\n",
    "damaged characters": lambda size: " ".join(
        f"\u00c3{chr(0xA1 + i % 30)}" * (i % 40 + 1) for i in range(size // 42)
    ),
    "carriage returns": lambda size: block(LINE, filled("x\r", size) + "\n"),
    "both line ends": lambda size: filled(block(LINE, LINE).replace("\n", "\r\n") + "\n", size),
    "markers of the program": lambda size: block(LINE, filled("x EVOLVE-BLOCK-START", size) + "\n"),
    "blanks and a marker": lambda size: block(LINE, f"#{' ' * size}x\nEVOLVE-BLOCK\n"),
    "comments and a marker": lambda size: block(LINE, f"{filled('#' + chr(10), size)}EVOLVE-BLOCK-START\n"),
    "blank lines and a marker": lambda size: block(LINE, "\n" * size + "x\nEVOLVE-BLOCK-END\n"),
    "blanks around markers": lambda size: filled(f"{' ' * 50}EVOLVE-BLOCK-START{' ' * 50}x\n", size),
    "a program with many blocks": lambda size: f"```python\n{filled(f'{START}x = 1{chr(10)}{END}', size)}\n```\n",
    "growing blocks": lambda size: chained(size, "z\n" * 5),
    "blocks in a long text": grown_once,
    "blocks that are alike": alike_everywhere,
    "markers in lines, and blocks": lambda size: (
        block(LINE, filled("x EVOLVE-BLOCK-START y\n", size // 2) + LINE) + chained(size // 4, "")
    ),
    "a deep line and many lines": lambda size: (
        block(LINE, f"{' ' * (size // 4)}w\n{LINE}") + block("w\nb\n", "r\n" * (size // 8))
    ),
    "lines at every depth": indented_lines,
    "equal lines and one more": lambda size: block(LINE, "v\n" * (size // 5)) + block("v\n" * (size // 5) + "u\n", ""),
    "lines of the same letters": rotated_lines,
    "a long line of the same letters": lambda size: (
        block(LINE, f"{'ab' * (size // 6)}\n") + block(f"{'ba' * (size // 6)}\n", "r\n")
    ),
    "overlapping texts": lambda size: block(LINE, f"{'a' * (size // 2)}\n") + block(f"{'a' * (size // 4)}\n", "b\n"),
    "overlapping lines": lambda size: block(LINE, "a\n" * (size // 4)) + block("a\n" * (size // 8), "b\n"),
    "many overlapping lines": lambda size: (
        block(LINE, "a\n" * (size // 4)) + filled(block("a\n" * 8, "a\n" * 8), size // 2)
    ),
    "empty searches": lambda size: filled(block("", "x\n"), size),
    "searches that miss": lambda size: filled(block("nothing\n", "x\n"), size),
    "one letter after another": lambda size: filled(block("a\n", "aa\n"), size),
    "characters that are not seen": lambda size: block(LINE, f"# {chr(0x200B) * size}\n"),
    "encodings": lambda size: block(LINE, f"#{filled('coding: ', size)}\n"),
    "a long line": lambda size: "x" * size,
    "lines": lambda size: "\n" * size,
    "form feeds": lambda size: "\x0c" * size,
}
