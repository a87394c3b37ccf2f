"""How expert-placement algorithms are judged: what ``eplb`` does, as functions."""

from evaluator.api import ablate, compare, evaluate, report, score, windows

__all__ = ["ablate", "compare", "evaluate", "report", "score", "windows"]
