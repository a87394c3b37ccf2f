"""The columns of a judged program, in the parquet under ``runs/`` and in the JSON of ``eplb score``."""

from __future__ import annotations

import pyarrow as pa

from evaluator.analysis.columns import METRICS
from evaluator.analysis.statistics import columns_of
from evaluator.results.schema import FLAG, INT, REAL, TEXT, TIMING, Column, arrow_schema

SCORE_SCHEMA_VERSION = 4
"""Raised when a column changes its meaning."""

REJECTED, INVALID, TIMED_OUT = "rejected", "invalid", "timed out"
IDENTICAL, NO_DIFFERENCE, BETTER, WORSE = "identical placements", "no difference", "better", "worse"
LEAN = "it returns no log2phy and logcnt, which are part of its parent's time"
"""Why a program that leaves them out has no verdict on its time."""
TOO_FEW = "too few independent windows to say whether it is better or worse"
"""Why there is no difference where an interval may exclude 0."""
FIRST_WINDOWS, TRAINING, HELD_OUT = "first windows", "training", "held-out"
STAGES = (FIRST_WINDOWS, TRAINING, HELD_OUT)
VERDICTS = (REJECTED, INVALID, TIMED_OUT, IDENTICAL, NO_DIFFERENCE, WORSE, BETTER)

IDENTITY = (
    Column("schema_version", INT, "version of this table"),
    Column("key", TEXT, "hash of the program, the parent, the workload and the settings"),
    Column("candidate", TEXT, "name of the document that this program was first seen in"),
    Column("program", TEXT, "hash of the program's source; null for a document that did not apply"),
    Column("parent", TEXT, "name of the parent program"),
    Column("parent_program", TEXT, "hash of the parent's source"),
    Column("suite", TEXT, "name of the suite; null where the traces were drawn"),
    Column("workload", TEXT, "names of the workloads of the training part, with the parameters that were changed"),
    Column("topology", TEXT, "names of its topologies, or their four numbers"),
    Column("isolation", TEXT, "layers between the program and the machine, or none"),
)
JUDGEMENT = (
    Column("verdict", TEXT, f"one of: {', '.join(VERDICTS)}"),
    Column(
        "stage",
        TEXT,
        f"how far it came, one of: {', '.join(STAGES)}; null where a check failed. Where the first windows are "
        "hopeless, it is given up after them",
    ),
    Column(
        "confirmed",
        FLAG,
        "whether what is better in training is better on the held-out part too; null where it was not asked about that",
    ),
    Column("check", TEXT, "which check failed; null where none did"),
    Column("check_load", TEXT, "on which load it failed"),
    Column("detail", TEXT, "what was wrong, for people; may quote the program: never give it to a model"),
    Column("checked_loads", INT, "hard loads that the program passed"),
    Column("portable", FLAG, "whether it passes the hard loads on other topologies too"),
    Column("fails_on", TEXT, "names of other topologies on which it does not"),
    Column(
        "repeats",
        FLAG,
        "whether it placed some loads once more as it did, with other random numbers; null where it was not asked",
    ),
    Column("traces", INT, "traces of the training part, of all its workloads"),
    Column("windows", INT, "windows of them that it was judged on"),
    Column(
        "time_verdict",
        TEXT,
        "faster, slower, no difference or too few to say, by the interval of the ratio; null where the time cannot be "
        "believed, or its interval holds both equality and 5%",
    ),
    Column("score", REAL, "by the formula that was asked for"),
    Column("score_parent", REAL, "the parent's, by the same formula"),
    Column("score_name", TEXT, "name of the formula"),
)
CONTROL = columns_of("time_control")
OWN_WORK = "time_own_work_seconds"
CONTROLS = (
    Column(
        CONTROL[0], REAL, "the parent's time over its own, measured in the same way once for all programs: 1 is right"
    ),
    Column(CONTROL[1], REAL, "lower end of its 95% interval"),
    Column(CONTROL[2], REAL, "upper end; where the interval excludes 1 by more than 1%, times have no verdict"),
    Column(
        OWN_WORK,
        REAL,
        "seconds of a call that are the judge's own work in the process, at most: a program could spare itself that, "
        "so that it must be faster by more to be called so",
    ),
)


HELD_OUT_PART = (
    Column("held_out_traces", INT, "traces of the held-out part; null where it was not asked about them"),
    Column("held_out_difference", REAL, "mean difference to the parent there, in balancedness_gpu_next"),
    Column("held_out_difference_low", REAL, "lower end of its 95% interval"),
    Column("held_out_difference_high", REAL, "upper end"),
)


def _metrics() -> tuple[Column, ...]:
    columns = []
    for name in METRICS:
        columns += [
            Column(name, REAL, "mean over the training part: windows, traces, workloads; see the columns of a run"),
            Column(f"{name}_parent", REAL, "the parent's"),
            Column(f"{name}_difference", REAL, "mean difference to the parent on the same windows"),
            Column(
                f"{name}_difference_low",
                REAL,
                "lower end of its 95% interval over traces, or windows of one trace",
            ),
            Column(f"{name}_difference_high", REAL, "upper end"),
        ]
    return tuple(columns)


SERIES = (
    Column(
        "next_by_window",
        pa.list_(pa.float64()),
        "balancedness_gpu_next by window, trace after trace; null for the last of each",
    ),
    Column("next_by_window_parent", pa.list_(pa.float64()), "the parent's"),
)
WHEN = (
    Column("version", TEXT, "version of eplb-lab"),
    Column("machine", TEXT, "processor, cores, memory, versions, JSON"),
    Column("measured_at", pa.timestamp("us", tz="UTC"), "when the row was written"),
)
COLUMNS = (*IDENTITY, *JUDGEMENT, *_metrics(), *HELD_OUT_PART, *SERIES, *TIMING, *CONTROLS, *WHEN)
ARROW = arrow_schema(COLUMNS)
