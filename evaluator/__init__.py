"""How expert-placement algorithms are judged: what ``eplb`` does, as functions."""

from evaluator.api import ablate, build_board, compare, evaluate, import_search, report, score, search_programs, windows

__all__ = [
    "ablate",
    "build_board",
    "compare",
    "evaluate",
    "import_search",
    "report",
    "score",
    "search_programs",
    "windows",
]
