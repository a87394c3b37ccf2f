"""The columns of a board: a row for each entry."""

from __future__ import annotations

from evaluator.board.entry import CLAIMED
from evaluator.results.schema import FLAG, INT, REAL, TEXT, Column, arrow_schema

BOARD_SCHEMA_VERSION = 1
"""Raised when a column changes its meaning."""


def _with_ends(name: str, meaning: str) -> tuple[Column, ...]:
    ends = {"low": "lower", "high": "upper"}
    more = (Column(f"{name}_{end}", REAL, f"{word} end of its 95% interval") for end, word in ends.items())
    return (Column(name, REAL, meaning), *more)


COLUMNS = (
    Column("schema_version", INT, "version of this table"),
    Column("entry", TEXT, "its name"),
    Column("kind", TEXT, "variant, or program"),
    Column("ships", FLAG, "whether it ships with eplb-lab"),
    Column("authors", TEXT, "who made it"),
    Column("licence", TEXT, "under which it may be used"),
    Column("source", TEXT, "where it comes from"),
    Column("summary", TEXT, "a sentence"),
    Column("engine", TEXT, "that found it"),
    Column("status", TEXT, "ok; or what became of it"),
    Column("reason", TEXT, "why it has no numbers"),
    *_with_ends("next", CLAIMED["next"]),
    *_with_ends("difference", CLAIMED["difference"]),
    Column("verdict", TEXT, "on the difference, corrected for all variants of the board; of a program, by itself"),
    *_with_ends("held_out_difference", "the same on the held-out part; of a program, where it is better in training"),
    Column("confirmed", FLAG, "whether what is better in training is better on the held-out part, beyond luck"),
    Column("own", REAL, CLAIMED["own"]),
    Column("dispatched", REAL, CLAIMED["dispatched"]),
    Column("per_step", REAL, "fullest GPU over the mean one, in the step that 95% are no worse than, next window"),
    Column("moved", REAL, CLAIMED["moved"]),
    Column("remote", REAL, "share of the tokens that leave the node of their expert's group; null for programs"),
    *_with_ends("time", CLAIMED["time"]),
    Column("time_verdict", TEXT, "on it; null where times were not taken, or cannot be believed"),
    Column("time_reference", TEXT, "what it was timed beside: deepseek, or for a program its source as a program"),
    Column("memory", REAL, "the most memory that a placement needed while it was made, MiB; null for programs"),
    Column("optimality", REAL, "next over what no placement can pass"),
    Column("front", FLAG, "whether no entry of the same dispatch has more balance with no more moved slots"),
    Column("claims", TEXT, "what it claims and what was found, JSON"),
    Column("version", TEXT, "of eplb-lab that measured it"),
    Column("measured_at", TEXT, "when"),
    Column("machine", TEXT, "that took its times, JSON"),
)
ARROW = arrow_schema(COLUMNS)
