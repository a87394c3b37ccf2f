"""The columns of an import: a row for every program or document that an engine left behind."""

from __future__ import annotations

from evaluator.evolve.imports.applying import HOW
from evaluator.results.schema import FLAG, INT, REAL, TEXT, Column, arrow_schema

IMPORT_SCHEMA_VERSION = 1
"""Raised when a column changes its meaning."""
HOLDS, NOISE, CONTRARY, INVALID, BROKEN = "holds", "noise", "contrary", "invalid", "broken"
FINDINGS = {
    HOLDS: "the engine says that it is better than its parent, and it is",
    NOISE: "the engine says that it is better than its parent, and nothing can be told from chance here",
    CONTRARY: "the engine says that it is better than its parent, and it is worse",
    INVALID: "the engine says that it is better than its parent, and it is not valid",
    BROKEN: "what the engine made of it is missing, not valid or worse, and what was meant is valid and not worse",
}


def _of(prefix: str, whose: str) -> tuple[Column, ...]:
    return (
        Column(f"{prefix}program", TEXT, f"hash of {whose} source, line ends and blank lines at its end apart"),
        Column(f"{prefix}verdict", TEXT, f"on {whose}, beside the initial program"),
        Column(
            f"{prefix}score",
            REAL,
            "its combined_score: the balance of the initial program, and what was gained or lost",
        ),
        Column(f"{prefix}difference", REAL, "to the initial program, in balancedness_gpu_next"),
        Column(f"{prefix}difference_low", REAL, "lower end of its 95% interval"),
        Column(f"{prefix}difference_high", REAL, "upper end"),
        Column(f"{prefix}held_out_difference", REAL, "the same on the held-out part; null where it was not asked"),
        Column(f"{prefix}held_out_difference_low", REAL, "lower end of its 95% interval"),
        Column(f"{prefix}held_out_difference_high", REAL, "upper end"),
        Column(f"{prefix}confirmed", FLAG, "whether what is better in training is better on the held-out part too"),
        Column(f"{prefix}check", TEXT, "which check failed; null where none did"),
        Column(f"{prefix}feedback", TEXT, "what may be told of it to a model"),
    )


COLUMNS = (
    Column("schema_version", INT, "version of this table"),
    Column("layout", TEXT, "of the folder: the engine, or study, or pairs"),
    Column("name", TEXT, "what the engine calls it"),
    Column("number", INT, "of its generation or iteration"),
    Column("parent", TEXT, "the engine's name of its parent; null for the initial program, or where nobody says"),
    Column("parent_program", TEXT, "hash of its parent's source"),
    Column("engine_score", REAL, "the engine's; null where there is none that is finite"),
    Column("engine_claims", FLAG, "whether the engine's score is above its parent's; null where either has none"),
    Column("engine_place", INT, "among the distinct programs by the engine's score, from 1"),
    Column("place", INT, "among the same by the score here"),
    Column("applied", TEXT, f"how the document was applied, one of: {', '.join(HOW)}"),
    Column("applied_why", TEXT, "what kept one of both from applying it, or what was noticed"),
    Column("finding", TEXT, f"one of: {', '.join(FINDINGS)}; null where nothing was claimed or broken"),
    Column("step_difference", REAL, "of the program to its parent, on the same windows, in balancedness_gpu_next"),
    Column("step_difference_low", REAL, "lower end of its 95% interval"),
    Column("step_difference_high", REAL, "upper end"),
    Column("step_verdict", TEXT, "on it, corrected for all steps that are claimed to be better"),
    *_of("", "the engine's program"),
    *_of("meant_", "the program that was meant"),
    Column("source", TEXT, "of the engine's program"),
    Column("meant_source", TEXT, "of the program that was meant, where it is another"),
    Column("document", TEXT, "what the model answered"),
)
ARROW = arrow_schema(COLUMNS)
