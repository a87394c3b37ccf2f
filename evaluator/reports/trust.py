"""How far the times of a page can be trusted, in sentences that stand beside them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from evaluator.shown.words import interval_of, listed

SETTINGS = ("rounds", "min_rounds", "threads")
"""Settings of the timing pass that are told."""


def trust(data: dict[str, Any]) -> dict[str, Any] | None:
    """Return what is to be said of the times in what ``report_data`` says; None where nothing was timed.

    ``doubts`` are the reasons not to believe some of them, ``facts`` what else there is to know: whether other timing
    passes ran, what the reference took beside itself (a control: 1 is right), the settings, the machines.
    """
    rows = [entry["summary"] for entry in data["panels"][0].get("rows", ())]
    timed = [row for row in rows if row["time_ratio"] is not None]
    if not timed:
        return None
    doubts: defaultdict[str, list[str]] = defaultdict(list)
    for row in timed:
        if reason := row["time_trust"]:
            doubts[reason].append(row["variant"])
    facts = [] if doubts else ["no other timing pass ran on the machine beside these"]
    facts += [
        f"control: {row['variant']} beside itself took {interval_of(row, 'time_ratio', '.2f')} times its own time, "
        "where 1 is right"
        for row in timed
        if row["variant"] == row["time_reference"]
    ]
    return {
        "doubts": [f"{reason}: {listed(names)}" for reason, names in doubts.items()],
        "facts": [*facts, *_settings(data), *_machines(data)],
    }


def _settings(data: dict[str, Any]) -> list[str]:
    found = []
    for panel in data["panels"]:
        found += [config for config in panel.get("provenance", {}).get("timing", ()) if config not in found]
    if len(found) > 1:
        return [f"{len(found)} different timing settings: each panel has its own, behind its numbers"]
    return [
        ", ".join(f"{name}={config[name]}" for name in SETTINGS if name in config)
        for config in found
        if isinstance(config, dict)
    ]


def _machines(data: dict[str, Any]) -> list[str]:
    known = [machine["description"] for machine in data["machines"] if isinstance(machine["description"], dict)]
    said = [f"{m['processor']}, {m['cores']} cores" for m in known if {"processor", "cores"} <= set(m)]
    return [f"on {' and on '.join(dict.fromkeys(said))}"] if said else []
