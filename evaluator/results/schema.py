"""The columns of a result, their types and what they mean, in one place.

A table has one row per window of a cell (variant x workload x topology x seed). A cell that failed has one row with
``status`` and ``reason``; what was not measured is null.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pyarrow as pa

SCHEMA_VERSION = 2
"""Raised when a column changes its meaning, or one is added that may not be null; readers refuse what is newer than
they are. A column that a file of the same version lacks is read as null."""

OK, FAILED, SKIPPED = "ok", "failed", "skipped"


class Column(NamedTuple):
    """A column: its name, its arrow type and what it means."""

    name: str
    type: pa.DataType
    meaning: str


TEXT, INT, REAL, FLAG = pa.string(), pa.int64(), pa.float64(), pa.bool_()

IDENTITY = (
    Column("schema_version", INT, "version of this table"),
    Column("cell", TEXT, "hash of all that determines the quality columns"),
    Column("variant", TEXT, "name of the variant, with the parameters that were changed"),
    Column("workload", TEXT, "name of the workload, with the parameters that were changed"),
    Column("workload_content", TEXT, "hash of what determines the workload's counts, its parameters and seed apart"),
    Column("topology", TEXT, "name of the topology, or its four numbers; with speeds and failed GPUs, if any"),
    Column("seed", INT, "seed of the synthetic workload"),
    Column("suite", TEXT, "name of the suite that chose the workload, the topology and the seed; null for none"),
    Column("part", TEXT, "part of the suite: training or held-out; null without a suite"),
    Column("window", INT, "number of the window that the placement was made from, from 0"),
    Column("status", TEXT, "ok; failed: the variant crashed or gave no placement; skipped: the parts do not fit"),
    Column("reason", TEXT, "why it failed or was skipped"),
)
CONFIGURATION = (
    Column("num_windows", INT, "windows of the workload"),
    Column("interval", INT, "steps in a window"),
    Column("num_layers", INT, "L, MoE layers of the trace"),
    Column("num_experts", INT, "E, logical experts a layer"),
    Column("num_slots", INT, "P, physical experts a layer"),
    Column("num_groups", INT, "expert groups"),
    Column("num_nodes", INT, "nodes"),
    Column("num_gpus", INT, "G, GPUs"),
    Column("gpu_speeds", TEXT, "speed of each GPU over the mean, a JSON list; null where all are equally fast"),
    Column("alignment", pa.int64(), "tokens of a tile of which a GPU computes whole ones for each expert; null for 1"),
    Column("variant_config", TEXT, "the whole composition of the variant, JSON"),
    Column("workload_config", TEXT, "all parameters of the workload, JSON"),
    Column("pooled", FLAG, "whether verdicts over several workloads count this one"),
    Column("overrides", TEXT, "what chooses this cell on a command line of eplb evaluate, a JSON list of texts"),
)


def _judged(judged_on: str, words: str) -> tuple[Column, ...]:
    return (
        Column(
            f"balancedness_gpu_{judged_on}",
            REAL,
            f"sum over layers of mean GPU load / sum of maximum GPU load, {words}; 1 is perfect",
        ),
        Column(f"balancedness_node_{judged_on}", REAL, f"the same over nodes, {words}"),
        Column(f"balancedness_expert_{judged_on}", REAL, f"the same over physical experts, {words}; blind to packing"),
        Column(f"balancedness_gpu_layer_mean_{judged_on}", REAL, f"mean over layers of mean / maximum, {words}"),
        Column(
            f"balancedness_gpu_dispatch_{judged_on}",
            REAL,
            f"balancedness_gpu_{judged_on} if tokens were split over replicas as well as can be instead of evenly",
        ),
        Column(
            f"bound_gpu_{judged_on}",
            REAL,
            f"what balancedness_gpu_{judged_on} can be at most, whatever the placement; where this one keeps groups on "
            "their nodes, whatever the placement that does",
        ),
        Column(f"bound_gpu_dispatch_{judged_on}", REAL, f"the same of balancedness_gpu_dispatch_{judged_on}"),
        Column(
            f"remote_tokens_{judged_on}",
            REAL,
            "share of the tokens that leave the node of their expert's group, shared evenly by replicas; null where "
            "groups do not divide over nodes",
        ),
        Column(f"remote_tokens_dispatch_{judged_on}", REAL, "the same if tokens were split as well as can be"),
        Column(
            f"balancedness_gpu_near_{judged_on}",
            REAL,
            f"balancedness_gpu_{judged_on} if tokens left their node only where that brings it to .95 or nearer",
        ),
        Column(f"remote_tokens_near_{judged_on}", REAL, "share of the tokens that leave their node then"),
        Column(f"optimality_{judged_on}", REAL, f"balancedness_gpu_{judged_on} / bound_gpu_{judged_on}"),
    )


STEPS = "the steps of the next window; null where a window is one step"
QUALITY = (
    *_judged("own", "on the window that the placement was made from"),
    *_judged("next", "on the window after it; null for the last"),
    Column("imbalance_p50_next", REAL, f"maximum / mean GPU load of a step, summed over layers: median of {STEPS}"),
    Column("imbalance_p95_next", REAL, "the same, their 95th percentile"),
    Column("imbalance_worst_next", REAL, "the same, the worst step"),
    Column(
        "imbalance_tiles_next",
        REAL,
        "load of the fullest GPU, tokens of each slot rounded up to whole tiles / mean GPU load without that, summed "
        f"over layers: mean of {STEPS}, or where the topology has no alignment",
    ),
    Column("active_experts_next", REAL, f"most experts with tokens on a GPU, mean over layers and {STEPS}"),
    Column(
        "fetched_next",
        REAL,
        "experts that a balancer within the step fetches into free slots, mean over layers and the steps of the next "
        "window; null for variants without one",
    ),
    Column("fetched_worst_next", REAL, "the most of them on one GPU, mean over layers"),
    Column("fetched_mib_next", REAL, "weights that are fetched so, in MiB a layer"),
    Column("stuck_next", REAL, "share of the tokens that GPUs have above the mean all the same"),
    Column("moved_slots", REAL, "share of slots that need weights from another GPU; null for the first window"),
    Column("group_locality", REAL, "share of expert groups that lie on one node with all replicas"),
    Column("colocated_replicas", REAL, "share of slots with a second copy of an expert on the same GPU"),
    Column("gpu_load", pa.list_(pa.float32()), "[L * G] load in units of the layer's mean, on one window's row"),
    Column("gpu_load_contiguous", pa.list_(pa.float32()), "the same if experts were placed in order"),
)
TIMING = (
    Column(
        "place_seconds",
        REAL,
        "wall time of a round's quickest call (of a candidate: the mean over its loads, less what it waited for a "
        "core), median of the rounds; the same on all rows of a cell",
    ),
    Column("place_seconds_min", REAL, "its minimum"),
    Column("place_seconds_iqr", REAL, "its spread: third less first quartile"),
    Column("place_cpu_seconds", REAL, "CPU time of these calls, median"),
    Column(
        "first_place_seconds", REAL, "wall time of the call before the first round, which warms up and does not count"
    ),
    Column("place_maps_seconds", REAL, "the same as place_seconds with logcnt and log2phy made; null if not asked for"),
    Column("place_torch_seconds", REAL, "with a torch tensor in and three out; null if not asked for"),
    Column(
        "place_cold_seconds", REAL, "right after 64 MiB were written, so that caches are cold; null if not asked for"
    ),
    Column(
        "place_peak_mib",
        REAL,
        "the most memory that such a call needs beyond what its process held before, MiB; null for candidates and "
        "elsewhere than on Linux",
    ),
    Column("time_reference", TEXT, "variant that stood beside it in every round"),
    Column(
        "time_ratio",
        REAL,
        "median over rounds of such a time / the reference's; of a candidate whose rounds spread more than its "
        "parent's, or whose slow calls were left out, the ratio of the means",
    ),
    Column("time_ratio_low", REAL, "lower end of its 95% interval over rounds"),
    Column("time_ratio_high", REAL, "upper end"),
    Column("timing_rounds", INT, "rounds that the ratio rests on"),
    Column(
        "timing_disturbed",
        INT,
        "rounds in which such a call, of either side, did not have its core; they do not count and are drawn again "
        "while there is time",
    ),
    Column(
        "timing_has_core",
        FLAG,
        "whether enough rounds were left that count; if not, all do, and the time cannot be believed",
    ),
    Column(
        "timing_wall_over_cpu", REAL, "wall time / CPU time of the calls that count, median: 1 with a core to itself"
    ),
    Column("timing_valid", FLAG, "whether no other timing pass ran on the machine"),
    Column("timing_config", TEXT, "the settings of the timing pass, JSON"),
    Column(
        "timing_key",
        TEXT,
        "hash of these settings, the reference, the code that times and the machine, or of being timed on a cluster",
    ),
)
PROVENANCE = (
    Column("machine", TEXT, "processor, cores, memory, versions, JSON"),
    Column("version", TEXT, "version of eplb-lab"),
    Column("measured_at", pa.timestamp("us", tz="UTC"), "when the cell was written"),
    Column(
        "cell_seconds", REAL, "wall time of measuring the cell's quality, up to this window; the last row has the whole"
    ),
)
COLUMNS = (*IDENTITY, *CONFIGURATION, *QUALITY, *TIMING, *PROVENANCE)
TIMING_NAMES = tuple(column.name for column in TIMING)


def arrow_schema(columns: tuple[Column, ...]) -> pa.Schema:
    """Return columns as an arrow schema that carries their meanings."""
    return pa.schema([pa.field(c.name, c.type, metadata={"meaning": c.meaning}) for c in columns])


def to_table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Return rows as a typed table; a missing key is null, an unknown one a programming error."""
    known = set(schema.names)
    for row in rows:
        if not row.keys() <= known:
            raise KeyError(f"no such columns: {sorted(row.keys() - known)}")
    return pa.Table.from_pylist(rows, schema=schema)


def complete(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table with the columns of a schema, in their order; one that an older file lacks is null."""
    if table.schema.names == schema.names:
        return table
    columns = [
        table[field.name] if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, names=schema.names)


ARROW = arrow_schema(COLUMNS)
