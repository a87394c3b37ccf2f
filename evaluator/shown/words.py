"""The wording that tables, plots and pages share: numbers, intervals, verdicts, and names in lines."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from evaluator.analysis import paired
from evaluator.analysis.statistics import BETTER, SAME, UNSURE, WORSE, Estimate
from evaluator.analysis.statistics import MISSING as MISSING  # numbers in words are had here, too
from evaluator.analysis.statistics import number as number
from evaluator.analysis.times import CONTROL
from evaluator.candidates.judging.schema import INVALID, REJECTED, TIMED_OUT

FASTER, SLOWER = paired.TIME_WORDS[BETTER], paired.TIME_WORDS[WORSE]
TIME_MARKS = {**paired.TIME_WORDS, SAME: "~", UNSURE: UNSURE, CONTROL: CONTROL}
"""What a verdict on a ratio of times is called in a table."""
MARKS = {BETTER: "^", WORSE: "v", SAME: "~", UNSURE: "?"}
"""Verdicts in one letter, where there is no room for words."""
MARKS_MEAN = "^ better, v worse, ~ no difference, ? too few to say"
DOUBT = "!"
"""Beside a time for which the caption gives a reason to doubt it."""
GOOD, BAD = "green", "red"
TONES = {
    **dict.fromkeys((BETTER, FASTER, MARKS[BETTER]), GOOD),
    **dict.fromkeys((WORSE, SLOWER, MARKS[WORSE], INVALID, TIMED_OUT, REJECTED), BAD),
}
BREAKS = (r"(?<=[,\[ ])", r"(?<=[,\[ =])", r"(?<=[,\[ =.])")
"""Where a name may be broken: after commas, brackets and blanks; where that is not enough, after more."""
BREAKS_OF_NUMBERS = (r"(?<= )(?=\[)|(?<=\] )", r"(?<= )")


def interval(value: Any, low: Any, high: Any, form: str = ".4f") -> str:
    """Return a value with its interval; without it where there is none, and a dash where there is no value."""
    first, *ends = (float("nan") if given is None else float(given) for given in (value, low, high))
    return Estimate(first, ends[0], ends[1], 0).text(form)


def interval_of(row: pd.Series | Mapping[str, Any], column: str, form: str = ".4f") -> str:
    """Return the value of a column with its interval, of which the ends are in ``COLUMN_low`` and ``COLUMN_high``."""
    return interval(row.get(column), row.get(f"{column}_low"), row.get(f"{column}_high"), form)


def ends_of(row: pd.Series | Mapping[str, Any]) -> tuple[float, float]:
    """Return the ends of the interval of a row's ``difference``; the value twice where it has none."""
    low, high = row["difference_low"], row["difference_high"]
    value = float(row["difference"])
    return (value, value) if MISSING in (number(low), number(high)) else (float(low), float(high))


def ratio(row: pd.Series | Mapping[str, Any]) -> str:
    """Return a ratio of times with its interval and what it allows to be said, where something was said of it."""
    verdict = row.get("time_verdict")
    word = TIME_MARKS.get(verdict, "") if isinstance(verdict, str) else ""
    return f"{interval_of(row, 'time_ratio', '.2f')} {word}".strip()


def tone(text: str) -> str | None:
    """Return the colour of a text: green where it ends with something good, red with something bad, else None."""
    said = text.partition(" (")[0].removesuffix(f" {DOUBT}")
    return TONES.get(said) or TONES.get(said.rpartition(" ")[2])


def over(traces: int, strata: int) -> str:
    """Return what an interval is over, of so many traces on so many workloads and topologies."""
    if traces > strata:
        return f"over {traces} traces"
    return "over the windows of this one trace" if traces == 1 else f"over the windows of these {traces} traces"


def listed(names: Sequence[str], most: int = 8) -> str:
    """Return names with commas between them; of more than so many, the first ones and how many more there are."""
    more = len(names) - most
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:most])} and {more} more"


def broken(name: str, width: int, breaks: Sequence[str] = BREAKS) -> str:
    """Return a text in lines of at most some letters, if its breaks allow it; words are never broken.

    Args:
        name: the text.
        width: letters of a line.
        breaks: patterns of the places at which a line may end, the best first; the next is used where the one before
            leaves too long a line.
    """
    text = name
    for pattern in breaks:
        text = "\n".join(_filled(re.split(pattern, name), width))
        if max(map(len, text.split("\n"))) <= width:
            break
    return text


def _filled(pieces: Sequence[str], width: int) -> list[str]:
    lines = [""]
    for piece in pieces:
        if lines[-1] and len((lines[-1] + piece).rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def shortened(titles: Sequence[str]) -> tuple[list[str], str]:
    """Return titles of workloads without what all of them end with, and that: ``[layers=8] on adrs``, or nothing."""
    letters = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*map(reversed, titles), strict=False))
    end = "".join(same[0] for same in letters)[::-1] if len(titles) > 1 else ""
    found = re.search(r"\[| on ", end)
    if found is None or any(len(title) == len(end) - found.start() for title in titles):
        return list(titles), ""
    shared = end[found.start() :]
    return [title.removesuffix(shared) for title in titles], shared.strip()


def yes_or_no(flag: bool | None) -> str:
    """Return a flag in a word; ``MISSING`` where nobody knows."""
    return MISSING if flag is None else ("yes" if flag else "no")
