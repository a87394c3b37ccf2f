"""What stands behind the numbers: configurations, machines, versions, times, and what could not be measured."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from evaluator.analysis.alignment import TOPOLOGY
from evaluator.results.schema import OK

Machines = dict[str, dict[str, Any]]
"""By their stored description: a short name for the tables, and the description."""
SIZES = ("num_windows", "interval", "num_layers", "num_experts")


def machines_of(good: pd.DataFrame) -> Machines:
    """Return the machines that measured, by their stored description, each with a short name for the tables."""
    known = sorted(good["machine"].dropna().unique())
    return {text: {"name": f"machine {i}", "description": parsed(text)} for i, text in enumerate(known, start=1)}


def provenance(part: pd.DataFrame, machines: Machines) -> dict[str, Any]:
    """Return what stands behind the numbers of one workload on one topology.

    ``workload`` and ``topology`` are configurations; ``variants`` has a row per variant: cells, seeds, windows,
    versions, machines, rounds of timing, and when its cells were written. ``timing`` has the settings of each timing
    pass.
    """
    first = part.iloc[0]
    return {
        "workload": parsed(first["workload_config"]),
        "topology": {"name": str(first["topology"]), **{name: _whole(first[name]) for name in TOPOLOGY}},
        "sizes": {name: _whole(first[name]) for name in SIZES},
        "timing": [parsed(text) for text in sorted(part["timing_config"].dropna().unique())],
        "variants": [_behind(str(name), own, machines) for name, own in part.groupby("variant", sort=True)],
    }


def _behind(name: str, own: pd.DataFrame, machines: Machines) -> dict[str, Any]:
    times = own["measured_at"].dropna()
    return {
        "variant": name,
        "cells": int(own["cell"].nunique()),
        "seeds": sorted(int(seed) for seed in own["seed"].unique()),
        "windows": len(own),
        "rounds": sorted(int(rounds) for rounds in own["timing_rounds"].dropna().unique()),
        "versions": sorted(map(str, own["version"].dropna().unique())),
        "machines": [machines[text]["name"] for text in sorted(own["machine"].dropna().unique())],
        "from": str(times.min()) if len(times) else None,
        "to": str(times.max()) if len(times) else None,
    }


def variants_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return every variant with the compositions that stood behind its name, more than one where it was changed."""
    pairs = frame[["variant", "variant_config"]].dropna().drop_duplicates().sort_values(["variant", "variant_config"])
    return [
        {"name": str(name), "configs": [parsed(text) for text in own["variant_config"]]}
        for name, own in pairs.groupby("variant", sort=True)
    ]


def failures(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the cells that failed or were skipped, with the reason, in the order of their names."""
    bad = frame[frame["status"] != OK].sort_values(["status", "variant", "workload", "topology", "seed"])
    return [
        {
            "status": str(row["status"]),
            "variant": str(row["variant"]),
            "where": f"{row['workload']} on {row['topology']}, seed {row['seed']}",
            "reason": "" if pd.isna(row["reason"]) else str(row["reason"]),
        }
        for _, row in bad.iterrows()
    ]


def parsed(text: Any) -> Any:
    """Return stored JSON; the text itself where it is none, and None where there is nothing."""
    if not isinstance(text, str):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _whole(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)
