"""What an engine left behind, applied again, judged and written down: what holds, what was noise, what was broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eplb_variants.errors import EplbError
from evaluator.analysis.columns import HEADLINE
from evaluator.analysis.paired import Paired
from evaluator.analysis.statistics import BETTER, WORSE, in_columns
from evaluator.candidates.jobs import judge_in_jobs
from evaluator.candidates.judging import schema as judging
from evaluator.candidates.program import Program, example_program, read_program
from evaluator.candidates.settings import HELD_OUT_TRACES
from evaluator.evolve.answers import Answer, answer_on, rejected
from evaluator.evolve.imports.applying import UNTOLD, Applied, applied_of, parent_of
from evaluator.evolve.imports.left import Left
from evaluator.evolve.imports.schema import (
    ARROW,
    BROKEN,
    CONTRARY,
    HOLDS,
    IMPORT_SCHEMA_VERSION,
    INVALID,
    NOISE,
)
from evaluator.evolve.keeping import keep, put_all_on_record, record_of
from evaluator.evolve.reporting import CONFIRMED_RUN
from evaluator.evolve.scoring import baseline_of, judge_of, plan_of, why_not_tried
from evaluator.evolve.steps import step, with_all
from evaluator.evolve.study import SECONDS, TRACES, Study, key_of, normalised, study_at
from evaluator.progress import Progress, Silent
from evaluator.results.schema import to_table
from evaluator.results.store import write_parquet
from evaluator.sweep.stratum import Stratum
from evaluator.sweep.work import machine_of_times

FILE = "imported.parquet"
Row = dict[str, Any]


@dataclass(frozen=True)
class Imported:
    """What came of an import.

    Attributes:
        layout: of the folder.
        rows: a row for every program or document, under the names of the columns of ``schema.py``.
        missing: what could not be read, in words.
        programs: distinct ones that were judged.
        file: of the table.
    """

    layout: str
    rows: list[Row]
    missing: list[str]
    programs: int
    file: Path


def _is_text(source: str) -> bool:
    try:
        source.encode("utf-8")
    except UnicodeEncodeError:  # halves of characters, which JSON can hold
        return False
    return True


def initial_of(left: Sequence[Left]) -> str | None:
    """Return the initial program of a search: the first without parent or document, or what most documents change."""
    for one in left:
        if one.source is not None and one.parent is None and one.document is None:
            return one.source
    changed = Counter(one.parent_source for one in left if one.parent_source is not None)
    return changed.most_common(1)[0][0] if changed else None


def study_for(
    folder: str | Path,
    left: Sequence[Left],
    overrides: Sequence[str],
    *,
    parent: str | Path | None = None,
    traces: int = TRACES,
    seconds: float = SECONDS,
    time: bool = False,
    traces_seed: int | None = None,
) -> Study:
    """Return the study of an import, new or as it was left: programs may change anything in it.

    Args:
        folder: of the study.
        left: what is imported.
        overrides: of ``eplb score``.
        parent: file of the initial program; that of the search if None, or else the example program.
        traces: of the training part.
        seconds: that a program may take, see ``create_study``.
        time: whether programs are timed.
        traces_seed: what the traces of a new study are drawn from; a secret if None.

    Raises:
        EplbError: the folder is that of another study, or cannot be made.
    """
    found = initial_of(left) if parent is None else read_program(parent).source
    initial = example_program().source if found is None else found
    if not _is_text(initial):
        raise EplbError("the initial program of the search is no text of whole characters: name another with --parent")
    settings = {"traces": traces, "seconds": seconds, "time": time, "traces_seed": traces_seed}
    return study_at(folder, initial, overrides, outside=True, **settings)


def import_left(
    study: Study,
    layout: str,
    left: Sequence[Left],
    missing: Sequence[str] = (),
    *,
    matching: str | None = None,
    jobs: int = 1,
    launching: Sequence[str] = (),
    held_out: int = HELD_OUT_TRACES,
    progress: Progress | None = None,
) -> Imported:
    """Apply, judge and write down what an engine left behind; what was judged before is not judged again.

    Args:
        study: by which programs are judged; its seed program is what all are compared with.
        layout: of the folder that it was read from.
        left: what was left, in its order.
        missing: what could not be read, in words.
        matching: how the engine applies documents, where it does not say.
        jobs: programs tried beside each other.
        launching: overrides that choose a launcher, whose jobs do the work.
        held_out: traces of the held-out part, which confirms what is better.
        progress: who is told of the steps.

    Raises:
        ParentUnusable, UnusableWorkload: nothing can be judged.
        EplbError: a job was lost, or the table cannot be written; what was judged is kept.
    """
    progress = progress or Silent()
    progress.start("documents", len(left))
    initial = normalised(study.seed_program)
    applied = applied_of(left, initial, matching, progress.step)
    sources = {one.name: one.source for one in left}
    parents = [_parent_source(one, sources, initial) for one in left]
    wanted = [source for one in applied for source in (one.kept, one.meant)] + parents
    texts = {key_of(source): normalised(source) for source in wanted if source is not None}
    answers, rows, strata = _judged(study, texts, jobs, launching, held_out, progress)
    table = [
        _row(layout, one, made, None if parent is None else key_of(parent), answers, rows)
        for one, made, parent in zip(left, applied, parents, strict=True)
    ]
    _say_what_holds(table, rows, strata)
    _put_in_order(table)
    _record(study, layout, left, applied, table, answers)
    file = study.folder / FILE
    write_parquet(to_table([_utf8(row) for row in table], ARROW), file)
    return Imported(layout, table, list(missing), len(texts), file)


def _parent_source(one: Left, sources: Mapping[str, str | None], initial: str) -> str | None:
    """Return the program that a program is a step from; None for an initial one."""
    if one.parent is None and one.document is None and one.parent_source is None:
        return None
    return parent_of(one, sources, initial)


def _judged(
    study: Study, texts: Mapping[str, str], jobs: int, launching: Sequence[str], held_out: int, progress: Progress
) -> tuple[dict[str, Answer], dict[str, Row], tuple[Stratum, ...]]:
    """Return an answer and, where it was tried, the judge's row, by the programs' hashes; and what it was judged on."""
    answers: dict[str, Answer] = {}
    programs: dict[str, Program] = {}
    for key, text in texts.items():
        why = why_not_tried(text, study)
        if why is None:
            programs[key] = Program(key, text)
        else:
            answers[key] = rejected(key, why)
    launcher = plan_of(study, CONFIRMED_RUN, launching).launcher
    machine = machine_of_times(launcher) if launcher else None
    with judge_of(study, held_out, CONFIRMED_RUN, jobs=jobs, machine=machine) as judge:
        baseline = baseline_of(judge)
        distinct = list(programs.values())
        found = judge_in_jobs(judge, distinct, launcher, progress) if launcher else judge.judge(distinct, progress)
        strata = judge.settings.training
    rows = {key: found[program.key] for key, program in programs.items()}
    for key, row in rows.items():
        answers[key] = answer_on(key, row, baseline)
        keep(study, key, answers[key])
    return answers, rows, strata


def _row(
    layout: str,
    one: Left,
    made: Applied,
    parent: str | None,
    answers: Mapping[str, Answer],
    rows: Mapping[str, Row],
) -> Row:
    found: Row = dict.fromkeys(ARROW.names)
    found |= {"schema_version": IMPORT_SCHEMA_VERSION, "layout": layout, "name": one.name, "number": one.number}
    found |= {"parent": one.parent, "parent_program": parent, "engine_score": one.score}
    found |= {"applied": made.how, "applied_why": made.why, "document": one.document, "source": made.kept}
    found |= _columns("", made.kept, answers, rows) | _columns("meant_", made.meant, answers, rows)
    if made.meant is not None and made.meant != made.kept:
        found["meant_source"] = made.meant
    return found


def _columns(prefix: str, source: str | None, answers: Mapping[str, Answer], rows: Mapping[str, Row]) -> Row:
    if source is None:
        return {}
    key = key_of(source)
    answer, row = answers[key], rows.get(key, {})
    values = {name: row.get(f"{HEADLINE}_{name}") for name in ("difference", "difference_low", "difference_high")}
    ends = ("held_out_difference", "held_out_difference_low", "held_out_difference_high", "confirmed", "check")
    values |= {name: row.get(name) for name in ends}
    values |= {"program": key, "verdict": answer["verdict"], "score": answer["combined_score"]}
    return {f"{prefix}{name}": value for name, value in {**values, "feedback": answer["feedback"]}.items()}


def _say_what_holds(table: list[Row], rows: Mapping[str, Row], strata: Sequence[Stratum]) -> None:
    """Add what each program did to its parent, and what is to be said of what the engine claims."""
    scores = {row["name"]: row["engine_score"] for row in table}
    claimed: list[tuple[Row, Paired | None]] = []
    for row in table:
        own, parent = row["engine_score"], scores.get(row["parent"])
        row["engine_claims"] = None if own is None or parent is None else bool(own > parent)
        pair = rows.get(row["program"] or ""), rows.get(row["parent_program"] or "")
        found = None if pair[0] is None or pair[1] is None else step(pair[0], pair[1], strata)
        if found is not None:
            row |= in_columns(found.difference, "step_difference")
            row["step_verdict"] = found.verdict
        if row["engine_claims"]:
            claimed.append((row, found))
    for (row, _), verdict in zip(claimed, with_all([found for _, found in claimed]), strict=True):
        row["step_verdict"] = verdict
        row["finding"] = _finding(row, verdict)
    for row in table:
        if _is_broken(row):
            row["finding"] = BROKEN


def _finding(row: Row, verdict: str | None) -> str:
    if row["verdict"] in (judging.INVALID, judging.REJECTED, judging.TIMED_OUT):
        return INVALID
    if verdict is None:  # given up after the first windows
        return CONTRARY if row["verdict"] == judging.WORSE else NOISE
    return {BETTER: HOLDS, WORSE: CONTRARY}.get(verdict, NOISE)


def _is_broken(row: Row) -> bool:
    """Whether a document would have done better had it been applied as it was meant."""
    bad = (judging.INVALID, judging.REJECTED, judging.TIMED_OUT, judging.WORSE)
    if row["meant_program"] is None or row["meant_program"] == row["program"] or row["applied"] == UNTOLD:
        return False
    return row["meant_verdict"] not in bad and (row["program"] is None or row["verdict"] in bad)


def _put_in_order(table: list[Row]) -> None:
    """Add the places of distinct programs, by the engine's score and by ours."""
    distinct: dict[str, Row] = {}
    for row in table:
        if row["program"] is not None and row["engine_score"] is not None:
            distinct.setdefault(row["program"], row)
    for column, by in (("engine_place", "engine_score"), ("place", "score")):
        values = sorted((float(row[by]) for row in distinct.values()), reverse=True)
        for row in table:
            ranked = distinct.get(row["program"] or "")
            if ranked is not None:
                row[column] = 1 + values.index(float(ranked[by]))  # equals share a place


def _record(
    study: Study,
    layout: str,
    left: Sequence[Left],
    applied: Sequence[Applied],
    table: Sequence[Row],
    answers: Mapping[str, Answer],
) -> None:
    """Put on record what is not on it yet, under the hashes of programs and parents."""
    names = ("program", "engine", "imported")
    before = {tuple(line.get(name) for name in names) for line in record_of(study.folder) if line is not None}
    new = []
    for one, made, row in zip(left, applied, table, strict=True):
        if made.kept is None or (row["program"], layout, one.name) in before:
            continue
        asked = {"engine": layout, "parent": row["parent_program"], "document": one.document, "imported": one.name}
        new.append((made.kept, asked, answers[row["program"]]))
    put_all_on_record(study, new)


def _utf8(row: Row) -> Row:
    """Return a row whose texts can be written: JSON may hold halves of characters."""
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in row.items()
    }
