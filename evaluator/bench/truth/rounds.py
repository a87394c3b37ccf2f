"""What is said of times whose rounds are made up: coverage of their intervals, and what correcting a table costs.

The logarithm of a round's ratio is the truth and noise around it. The noise is as on a machine with little beside the
measurement, is wider, has heavy tails, or a fifth of the rounds lost time to others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from eplb_variants.loads import FloatArray
from evaluator.analysis.paired import corrected
from evaluator.analysis.statistics import BETTER, WORSE, Estimate, median_ratio
from evaluator.analysis.times import mean_ratio, verdict_on_times
from evaluator.bench.line import Line
from evaluator.progress import Progress

Noise = Callable[[np.random.Generator, tuple[int, ...]], FloatArray]

SPREAD = 0.018
"""Standard deviation of a round: of 20 such rounds, ratios of equals are 0.99 to 1.01 (docs/speed.md)."""
ROUGH = 0.06
"""Of a round on a machine where that of 20 is 0.97 to 1.03: a verdict of a few percent can be chance."""
LOST, DELAY = 0.2, 0.05
"""Share of rounds in which one side lost time, and how much on average."""


def _disturbed(draw: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    delay = draw.exponential(DELAY, shape) * draw.choice([-1, 1], shape) * (draw.random(shape) < LOST)
    return draw.normal(0, SPREAD, shape) + delay


NOISES: dict[str, Noise] = {
    "quiet": lambda draw, shape: draw.normal(0, SPREAD, shape),
    "rough": lambda draw, shape: draw.normal(0, ROUGH, shape),
    "heavy tails": lambda draw, shape: SPREAD * draw.standard_t(3, shape),
    "disturbed": _disturbed,
}
ROUNDS, CELLS = (6, 20, 40), (3, 15)
FACTOR, TABLE, TABLE_ROUNDS = 1.05, 20, 20
"""How much slower half of a table is, and the size of a table."""
WITHIN = (0.917, 0.983)
"""Share of 95% intervals that is to hold the truth, three standard errors of 400 runs to either side."""
WRONG = 0.05
RUNS = 400


class Table(NamedTuple):
    """What was said of a table: whether any equal has a verdict, and of which share of the slower ones it is said."""

    wrong: bool
    found: float


def ratio_of(draw: np.random.Generator, noise: Noise, rounds: int, truth: float = 1.0) -> Estimate:
    """Return the ratio of made-up rounds, as timing takes it."""
    logs = np.log(truth) + noise(draw, (rounds,))
    return median_ratio(np.exp(logs), np.ones(rounds), int(draw.integers(2**31)))


def coverage_line(name: str, noise: Noise, rounds: int, cells: int, runs: int, seed: int = 0) -> Line:
    """Return how often the interval of a ratio, over some cells of different ratios, holds the truth."""
    draw, truths = np.random.default_rng([seed, rounds, cells]), np.linspace(0.9, 1.3, cells) if cells > 1 else [1.0]
    truth, held = float(np.exp(np.mean(np.log(truths)))), 0
    for _ in range(runs):
        found = mean_ratio([ratio_of(draw, noise, rounds, one) for one in truths])
        held += found.low <= truth <= found.high
    share = held / runs
    where = f"{rounds} rounds" + (f", mean of {cells} cells" if cells > 1 else "")
    return Line(
        "intervals",
        "95% intervals of ratios of times that hold the truth",
        f"{where}, {name}, {runs} runs",
        100 * share,
        "%",
        target=f"{WITHIN[0]:.1%} to {WITHIN[1]:.1%}",
        met=WITHIN[0] <= share <= WITHIN[1],
    )


def table_of(draw: np.random.Generator, noise: Noise, *, correct: bool) -> Table:
    """Return what is said of a table of which half is as fast as the reference and half slower by ``FACTOR``."""
    truths = [1.0] * (TABLE // 2) + [FACTOR] * (TABLE // 2)
    found = [mean_ratio([ratio_of(draw, noise, TABLE_ROUNDS, truth)]) for truth in truths]
    p_values = corrected([one.p for one in found]) if correct else [None] * TABLE
    said = [verdict_on_times(one, p=p) for one, p in zip(found, p_values, strict=True)]
    equal, slower = said[: TABLE // 2], said[TABLE // 2 :]
    return Table(any(one in (BETTER, WORSE) for one in equal), slower.count(WORSE) / len(slower))


def table_lines(name: str, noise: Noise, runs: int, seed: int = 0) -> list[Line]:
    """Return in how many tables an equal has a verdict, with the correction and without, and what it finds."""
    lines = []
    for correct in (False, True):
        draw = np.random.default_rng(seed)
        tables = [table_of(draw, noise, correct=correct) for _ in range(runs)]
        share, found = np.mean([one.wrong for one in tables]), np.mean([one.found for one in tables])
        lines.append(
            Line(
                "intervals",
                f"tables with a verdict on the time of one of {TABLE // 2} equals, {'' if correct else 'un'}corrected",
                f"{TABLE_ROUNDS} rounds, {name}, {runs} tables: {found:.0%} of the {FACTOR - 1:.0%} slower found",
                100 * float(share),
                "%",
                target=f"at most {WRONG:.0%}" if correct else "",
                met=bool(share <= WRONG) if correct else None,
            )
        )
    return lines


def measure_rounds(progress: Progress, runs: int = RUNS) -> list[Line]:
    """Return all of this as lines, of ``runs`` runs and a quarter as many tables."""
    lines: list[Line] = []
    progress.start("rounds", len(NOISES))
    for name, noise in NOISES.items():
        lines += [coverage_line(name, noise, rounds, 1, runs) for rounds in ROUNDS]
        lines += [coverage_line(name, noise, 20, cells, runs) for cells in CELLS]
        lines += table_lines(name, noise, max(runs // 4, 1))
        progress.step(name)
    return lines
