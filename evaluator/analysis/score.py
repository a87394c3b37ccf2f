"""Scores: formulas over metrics and times, so that a result can be scored as published and as it should be."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eplb_variants.errors import EplbError, described

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 2000
"""Characters of a formula, at most."""
FUNCTIONS = ("abs", "exp", "log", "log10", "log1p", "sqrt")
"""What a formula may call, and the methods ``clip(lower=..., upper=...)`` of what it has computed."""
CLIP, BOUNDS = "clip", ("lower", "upper")
PLAIN = (
    *(ast.Expression, ast.Name, ast.Load, ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.And, ast.Or, ast.Not),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UAdd, ast.USub, ast.BitAnd, ast.BitOr, ast.Invert),
    *(ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq),
)
"""What else a formula may be made of; ``pandas`` would read much more, files and modules among it."""


def _check(formula: str) -> None:
    """Raise EplbError where a formula is more than arithmetic over columns: it may be a stranger's."""
    if len(formula) > LONGEST:
        raise EplbError(f"its formula has {len(formula)} characters: {LONGEST} are read at most")
    try:
        tree = ast.parse(formula.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise EplbError(f"its formula cannot be read: {described(error)}") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            _check_call(node)
        elif isinstance(node, ast.Constant):
            if type(node.value) not in (int, float):
                raise EplbError("its formula holds what is no number")
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and not _has_column(node):
            raise EplbError("its formula raises a number to a power: write the number")
        elif not isinstance(node, (*PLAIN, ast.Attribute, ast.keyword)):
            raise EplbError(f"its formula holds a {type(node).__name__}: it is arithmetic over columns")
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    if any(isinstance(node, ast.Attribute) and id(node) not in called for node in ast.walk(tree)):
        raise EplbError("its formula names an attribute: it is arithmetic over columns")


def _check_call(call: ast.Call) -> None:
    """Raise EplbError where a call is of none of ``FUNCTIONS``, nor of ``clip``."""
    function = call.func
    if isinstance(function, ast.Name) and function.id in FUNCTIONS and not call.keywords:
        return
    is_clip = isinstance(function, ast.Attribute) and function.attr == CLIP and not call.args
    if not is_clip or any(keyword.arg not in BOUNDS for keyword in call.keywords):
        names = ", ".join(FUNCTIONS)
        raise EplbError(f"its formula calls something: {names} and .{CLIP}(lower=, upper=) may be called")


def _has_column(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Name) and inner.id not in FUNCTIONS for inner in ast.walk(node))


@dataclass(frozen=True)
class Score:
    """A score.

    Args:
        name: what it is called.
        summary: one line.
        formula: arithmetic over the columns of a summary (means over windows), as ``pandas.DataFrame.eval`` reads it:
            comparisons, ``FUNCTIONS`` and ``clip`` with it. Nothing else is computed: it may be a stranger's.
        blind: what the score cannot see.

    Raises:
        EplbError: the formula is more than that, or none.
    """

    name: str
    summary: str
    formula: str
    blind: str

    def __post_init__(self) -> None:
        try:
            _check(self.formula)
        except EplbError as error:
            raise EplbError(f"the score {self.name!r} cannot be computed: {error}") from None

    def of(self, summary: pd.DataFrame) -> pd.Series:
        """Return the score of each row; missing where a column that it needs was not measured.

        Raises:
            EplbError: the formula names something that is no column.
        """
        import pandas as pd

        try:
            is_text = [column.map(lambda value: isinstance(value, str)).any() for _, column in summary.items()]
            numbers = summary.loc[:, [not text for text in is_text]]
            values = numbers.eval(self.formula, engine="python")
            return pd.Series(values, index=summary.index, dtype=float)
        except Exception as error:
            raise EplbError(f"the score {self.name!r} cannot be computed: {described(error)}") from None

    def of_numbers(self, numbers: Mapping[str, float | None]) -> float | None:
        """Return the score of one thing from its numbers by column; None where one that it needs is None or NaN.

        Raises:
            EplbError: as ``of``.
        """
        import pandas as pd

        value = self.of(pd.DataFrame([numbers], dtype=float)).iloc[0]
        return None if pd.isna(value) else float(value)
