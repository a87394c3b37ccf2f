"""Entries are judged again before they are shown: variants by a sweep, programs by the judge, all on one suite."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from eplb_variants.errors import EplbError
from evaluator.analysis.columns import HEADLINE, METRICS
from evaluator.analysis.dispatched import EVEN, FLOW, under
from evaluator.analysis.paired import Paired
from evaluator.analysis.statistics import BETTER, Estimate
from evaluator.analysis.summary import summarise
from evaluator.board.entry import VARIANTS, Entry
from evaluator.board.schema import ARROW, BOARD_SCHEMA_VERSION
from evaluator.candidates.judging import schema as judging
from evaluator.candidates.judging.judge import Judge
from evaluator.candidates.judging.stages import is_confirmed
from evaluator.candidates.program import Program, example_program
from evaluator.candidates.settings import Choices, settings_of
from evaluator.progress import Progress, Silent
from evaluator.results.archived import ARCHIVE
from evaluator.results.schema import OK
from evaluator.results.store import Store, read_runs
from evaluator.sweep.identity import digest
from evaluator.sweep.plan import Plan, make_plan
from evaluator.sweep.run import run as carry_out
from evaluator.sweep.suite import HELD_OUT, TRAINING
from evaluator.sweep.variant_file import text_of

REFERENCE = "deepseek"
SUITE = "eplb_1"
Row = dict[str, Any]


@dataclass(frozen=True)
class How:
    """How a board is judged.

    Attributes:
        suite: by name.
        folder: where what is measured is kept.
        measure: ``both``, or ``quality`` for no times.
        archive: whether what ships is taken from the archive where that has it.
        jobs: programs tried beside each other.
    """

    suite: str = SUITE
    folder: Path = Path("runs/board")
    measure: str = "both"
    archive: bool = True
    jobs: int = 1


def judged(entries: Sequence[Entry], how: How, progress: Progress | None = None) -> list[Row]:
    """Return a row for each entry, under the names of the columns of ``schema.py``, the best first.

    Raises:
        EplbError: two entries have one name, or nothing can be judged.
    """
    progress = progress or Silent()
    names = [entry.card.name for entry in entries]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise EplbError(f"two entries are called {doubled[0]!r}: a name must be one entry's alone")
    rows = {entry.card.name: _blank(entry) for entry in entries}
    variants = [entry for entry in entries if entry.program is None]
    programs = [entry for entry in entries if entry.program is not None]
    frame, called = _measured(variants, how, progress)
    for name, found in _of_variants(frame, called).items():
        rows[name] |= found
    for name, found in _of_programs(programs, how, progress).items():
        rows[name] |= found
    for entry in entries:
        rows[entry.card.name]["claims"] = json.dumps(_claims(entry, rows[entry.card.name]))
    ordered = sorted(rows.values(), key=lambda row: (row["next"] is None, -(row["next"] or 0.0), row["entry"]))
    _front(ordered)
    return ordered


def _blank(entry: Entry) -> Row:
    card = entry.card
    row: Row = dict.fromkeys(ARROW.names)
    row |= {"schema_version": BOARD_SCHEMA_VERSION, "entry": card.name, "kind": entry.kind}
    row |= {"ships": entry.shipped is not None, "authors": ", ".join(card.authors), "licence": card.licence}
    return row | {"source": card.source or None, "summary": card.summary or None, "engine": card.engine or None}


def _measured(variants: Sequence[Entry], how: How, progress: Progress) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the rows by window of variants and of the reference, and the entries' names by those in the rows."""
    shipped = {entry.shipped: entry.card.name for entry in variants if entry.shipped is not None}
    kept = _of_archive(how, [REFERENCE, *shipped])
    absent = [name for name in dict.fromkeys([REFERENCE, *shipped]) if name not in set(kept["variant"])]
    configs = how.folder / "conf" / VARIANTS
    shutil.rmtree(configs, ignore_errors=True)
    submitted: dict[str, str] = {}
    for entry in variants:
        if entry.variant is not None:
            name = _name_in_run(entry)
            configs.mkdir(parents=True, exist_ok=True)
            (configs / f"{name}.yaml").write_text(text_of(name, entry.variant, "an entry"), encoding="utf-8")
            submitted[name] = entry.card.name
    wanted = [*absent, *submitted]
    if not wanted:
        return kept, shipped
    beside = [] if REFERENCE in wanted or how.measure == "quality" else [REFERENCE]
    overrides = [f"suite={how.suite}", f"runs_dir={how.folder}", "run=variants", f"measure={how.measure}"]
    plan = make_plan(
        [*overrides, f"variant={','.join([*beside, *wanted])}"],
        multirun=True,
        config_dirs=[str(how.folder / "conf")] if submitted else (),
    )
    carry_out(plan, progress)
    found = read_runs([plan.folder])
    found = found[found["variant"].isin(wanted)]
    return pd.concat([kept, found], ignore_index=True), {**shipped, **submitted}


def _name_in_run(entry: Entry) -> str:
    """Return what a submitted variant is called in the run, which keeps what was measured of others before.

    Of two compositions of one name the run would show the one that was measured last, so that each has its own.
    """
    return f"entry_{digest(entry.card.name, entry.variant)}"


def _of_archive(how: How, names: Sequence[str]) -> pd.DataFrame:
    """Return the rows of these variants in the archive; none where it is of another suite, or is not to be used."""
    frame = read_runs([ARCHIVE])
    return frame[(frame["suite"] == how.suite) & frame["variant"].isin(names if how.archive else ())]


def _of_variants(frame: pd.DataFrame, called: Mapping[str, str]) -> dict[str, Row]:
    good = frame[frame["status"] == OK]
    if good.empty:
        return {}
    parts = {part: good[good["part"] == part] for part in (TRAINING, HELD_OUT)}
    training, by_load = _summary(parts[TRAINING], EVEN), _summary(parts[TRAINING], FLOW)
    held_out = _summary(parts[HELD_OUT], EVEN)
    found = {name: _failed(frame, name) for name in called if name not in training}
    for name, row in training.items():
        if name not in called:
            continue
        newest = good[good["variant"] == name].sort_values("measured_at").iloc[-1]
        values: Row = {"status": OK if row["complete"] else "not measured everywhere"}
        values |= _with_ends("next", row, "headline") | _with_ends("difference", row, "difference")
        values |= {"verdict": row["verdict"], "own": row["balancedness_gpu_own"], "moved": row["moved_slots"]}
        values |= {"remote": row["remote_tokens_next"]}
        values |= {"dispatched": by_load[name][HEADLINE], "optimality": row["optimality_next"]}
        values |= {"per_step": row["imbalance_p95_next"], "version": newest["version"], "machine": newest["machine"]}
        values |= _with_ends("time", row, "time_ratio")
        values |= {"time_verdict": row["time_verdict"], "time_reference": row["time_reference"]}
        values |= {"memory": row["place_peak_mib"]}
        values |= {"measured_at": str(newest["measured_at"])[:19]}
        if name in held_out:
            values |= _with_ends("held_out_difference", held_out[name], "difference")
            values["confirmed"] = _confirmed(row, held_out[name])
        if name == REFERENCE:
            values |= {"verdict": "reference", "confirmed": None}
        found[name] = values
    return {called[name]: {key: _plain(value) for key, value in row.items()} for name, row in found.items()}


def _summary(good: pd.DataFrame, dispatch: str) -> dict[str, Row]:
    """Return a row per variant, by name; none where nothing was measured."""
    if good.empty:
        return {}
    table = summarise(under(good, dispatch), REFERENCE)
    return {str(row["variant"]): {str(key): value for key, value in row.items()} for row in table.to_dict("records")}


def _failed(frame: pd.DataFrame, name: str) -> Row:
    rows = frame[frame["variant"] == name]
    if rows.empty:
        return {"status": "not measured", "reason": "no cell was measured"}
    return {"status": rows.iloc[0]["status"], "reason": rows.iloc[0]["reason"]}


def _with_ends(name: str, row: Row, column: str) -> Row:
    return {f"{name}{end}": row[f"{column}{end}"] for end in ("", "_low", "_high")}


def _confirmed(training: Row, held_out: Row) -> bool | None:
    """Return whether what is better in training is better on the held-out part, by the judge's rule for programs."""
    if training["verdict"] != BETTER:
        return None
    value, low, high = (held_out[f"difference{end}"] for end in ("", "_low", "_high"))
    estimate = Estimate(value, low, high, held_out["windows"], p=held_out["p"])
    return is_confirmed(Paired(estimate, held_out["verdict"]))


def _of_programs(entries: Sequence[Entry], how: How, progress: Progress) -> dict[str, Row]:
    if not entries:
        return {}
    plan: Plan = make_plan([f"suite={how.suite}", f"runs_dir={how.folder}", "run=programs", f"measure={how.measure}"])
    settings = settings_of(plan, Choices(jobs=how.jobs))
    programs = {entry.card.name: Program(entry.card.name, entry.program or "") for entry in entries}
    with Judge(example_program(), settings, Store(plan.folder, judging.ARROW)) as judge:
        rows = judge.judge(list({program.key: program for program in programs.values()}.values()), progress)
    return {name: _of_program(rows[program.key]) for name, program in programs.items()}


def _of_program(row: Row) -> Row:
    found = {
        "status": OK,
        "next": row[HEADLINE],
        "own": row["balancedness_gpu_own"],
        "dispatched": row["balancedness_gpu_dispatch_next"],
        "moved": row["moved_slots"],
        "verdict": row["verdict"],
        "confirmed": row["confirmed"],
        "time_verdict": row["time_verdict"],
        "version": row["version"],
        "machine": row["machine"],
        "measured_at": str(row["measured_at"])[:19],
    }
    for end in ("", "_low", "_high"):
        found[f"difference{end}"] = row[f"{HEADLINE}_difference{end}"]
        found[f"held_out_difference{end}"] = row[f"held_out_difference{end}"]
        found[f"time{end}"] = row[f"time_ratio{end}"]
    if row["time_ratio"] is not None:
        found["time_reference"] = "deepseek as a program"
    if row["check"] is not None:
        found |= {"status": row["verdict"], "reason": f"it fails the check {row['check']!r} on {row['check_load']}"}
    return {key: _plain(value) for key, value in found.items()}


def _plain(value: Any) -> Any:
    """Return a value of a frame as a plain one: null for what is not known."""
    if value is None or isinstance(value, str | bool):
        return value
    if pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _claims(entry: Entry, row: Row) -> list[Row]:
    """Return what an entry claims, what was found, and whether it holds: null where nothing was found."""
    said = []
    for claim in entry.card.claims:
        found = row[claim.column]
        said.append({"claim": str(claim), "found": found, "holds": None if found is None else claim.holds(found)})
    return said


def _front(rows: Sequence[Row]) -> None:
    """Add which entries no other one beats in balance without moving more slots; floors count as equal."""
    floors = {"next": METRICS[HEADLINE].floor, "moved": METRICS["moved_slots"].floor}
    known = [row for row in rows if row["next"] is not None and row["moved"] is not None]
    for row in known:
        row["front"] = not any(_beats(other, row, floors) for other in known)


def _beats(one: Row, other: Row, floors: Mapping[str, float]) -> bool:
    """Whether an entry is better than another in one thing, and worse in none."""
    gain, saved = one["next"] - other["next"], other["moved"] - one["moved"]
    return bool(
        gain >= -floors["next"] and saved >= -floors["moved"] and (gain >= floors["next"] or saved >= floors["moved"])
    )
