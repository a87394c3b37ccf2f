"""What the command line does, as functions: they write the same files and return frames.

What a function needs is imported when it is called, so that ``import evaluator`` costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from evaluator.progress import Progress

Run = str | Path


def evaluate(
    *overrides: str, multirun: bool = False, config_dirs: Sequence[str] = (), progress: Progress | None = None
) -> pd.DataFrame:
    """Measure what is missing of a sweep and return the rows of all its cells, one per window, as stored.

    Args:
        overrides: in Hydra's grammar, such as ``variant=seed`` or, with ``multirun``, ``seed=0,1,2``.
        multirun: whether a value may be a sweep.
        config_dirs: folders of your own, laid out as ``conf/``.
        progress: told of each cell.

    The columns are documented in ``evaluator/results/schema.py``. Cells that failed or were skipped are rows with their
    ``status`` and ``reason``.

    Raises:
        EplbError: whatever is wrong with the configuration, with the nearest match; nothing could be written; or a
            launcher lost jobs. What was measured is kept.
    """
    from eplb_variants.errors import EplbError
    from evaluator.results.store import read_files
    from evaluator.sweep.plan import make_plan
    from evaluator.sweep.run import run

    outcome = run(make_plan(overrides, multirun=multirun, config_dirs=config_dirs), progress)
    if outcome.lost:
        raise EplbError(
            f"{len(outcome.lost)} of the launcher's jobs lost; what was measured is kept: {outcome.lost[0]}"
        )
    return read_files([file for file in outcome.files if file.exists()])


def compare(
    *runs: Run,
    reference: str = "deepseek",
    score: str = "default",
    config_dirs: Sequence[str] = (),
    plots: bool = True,
    out: Run | None = None,
    csv: Run | None = None,
    latex: Run | None = None,
    markdown: Run | None = None,
    dispatch: str = "even",
) -> pd.DataFrame:
    """Compare the variants of run folders and return all summaries, a row per load and variant, best first.

    Args:
        runs: folders, such as ``runs/default``.
        reference: variant that differences are to.
        score: that a column is added for.
        config_dirs: folders of your own with further scores.
        plots: whether to draw them.
        out: folder for the plots; ``_plots`` in the first run where none is named.
        csv: file to write all rows to.
        latex: file to write the tables to, for LaTeX.
        markdown: file to write the tables to, as Markdown.
        dispatch: how tokens are split over replicas, ``even``, ``flow`` or ``near``, as ``--dispatch`` says.

    Columns: ``load`` (the workload on its topology, then all together where there are several), then those of
    ``evaluator.analysis.summary.summarise``, and ``front``.

    Raises:
        EplbError: a folder holds no results, or the reference was not measured.
    """
    from evaluator.analysis.comparison import UNSEEN, comparison_of
    from evaluator.analysis.dispatched import under
    from evaluator.results.schema import OK
    from evaluator.results.store import read_runs
    from evaluator.shown.exports import summaries_frame, write_csv, write_latex, write_markdown
    from evaluator.shown.rendering import LATEX_WIDTH, MARKDOWN_WIDTH, grids_of
    from evaluator.sweep.plan import load_score

    frame = under(read_runs(runs, without=UNSEEN), dispatch)
    comparison = comparison_of(frame[frame["status"] == OK], reference, load_score(score, config_dirs))
    summaries = summaries_frame(comparison)
    if csv is not None:
        write_csv(summaries, Path(csv))
    if latex is not None:
        write_latex(grids_of(comparison, score, LATEX_WIDTH), Path(latex))
    if markdown is not None:
        write_markdown(grids_of(comparison, score, MARKDOWN_WIDTH), Path(markdown))
    if plots:
        from evaluator.files import plots_folder
        from evaluator.shown.plots import draw_all

        draw_all(comparison.overall.rows, reference, plots_folder(runs, out), comparison.overall.summary)
    return summaries


def ablate(
    *runs: Run,
    reference: str | None = None,
    metrics: Sequence[str] = (),
    plots: bool = True,
    out: Run | None = None,
    csv: Run | None = None,
) -> pd.DataFrame:
    """Return what each level of each factor of some runs does, and each pair beyond that: a row per effect and metric.

    Args:
        runs: folders, such as ``runs/seed_factorial``.
        reference: variant whose levels the others are judged against; the smallest or first ones where none is named.
        metrics: those that effects are on; all where none is named.
        plots: whether to draw the figure.
        out: folder for it; ``_plots`` in the first run where none is named.
        csv: file to write the effects to.

    Raises:
        EplbError: nothing was measured, nothing varies that can be paired, or there is no such metric or variant.
    """
    import pandas as pd

    from evaluator.analysis.ablation.study import study_of
    from evaluator.files import plots_folder
    from evaluator.results.store import read_runs
    from evaluator.shown.ablation.plot import draw_effects
    from evaluator.shown.ablation.words import extent_of, record
    from evaluator.shown.exports import write_csv

    study = study_of(read_runs(runs), reference, metrics)
    effects = pd.DataFrame([record(effect) for effect in study.effects])
    if csv is not None:
        write_csv(effects, Path(csv))
    if plots:
        draw_effects(study.effects, extent_of(study.good), plots_folder(runs, out))
    return effects


def score(
    *candidates: Run,
    overrides: Sequence[str] = (),
    config_dirs: Sequence[str] = (),
    parent: Run | None = None,
    matching: str = "exact-line",
    progress: Progress | None = None,
    **choices: Any,
) -> pd.DataFrame:
    """Judge candidates against their parent and return a row per document, with its verdict.

    Args:
        candidates: files, or folders of files: SEARCH/REPLACE documents or whole programs.
        overrides: as of ``evaluate``, such as ``workload=dsr1_decode``.
        config_dirs: folders of your own, laid out as ``conf/``.
        parent: the file of what the candidates change; the example program if None.
        matching: how a SEARCH is matched, as ``eplb score --matching``.
        progress: told of each program.
        choices: those of ``evaluator.candidates.settings.Choices``: ``seed``, ``limits``, ``isolation``, ``jobs``,
            ``traces``, ``held_out``.

    The columns are those of ``evaluator/candidates/judging/schema.py``, with ``path``, ``notes``, ``same_as`` and
    ``feedback``. Programs run in a sandbox; what was judged before is read.

    Raises:
        EplbError: the workload or the parent cannot be used, or a path does not exist.
    """
    import pandas as pd

    from evaluator.candidates.scoring import score_candidates, with_defaults
    from evaluator.candidates.settings import Choices
    from evaluator.sweep.plan import make_plan

    plan = make_plan(with_defaults(overrides), config_dirs=config_dirs)
    scores = score_candidates(
        candidates, plan, parent=parent, matching=matching, choices=Choices(**choices), progress=progress
    )
    return pd.DataFrame(scores.rows)


def report(
    *runs: Run,
    reference: str | None = None,
    out: Run | None = None,
    score: str = "default",
    config_dirs: Sequence[str] = (),
    dispatch: str = "even",
) -> Path:
    """Write one HTML page about run folders and return its path.

    Args:
        runs: folders, such as ``runs/default``.
        reference: variant that differences are to; ``deepseek``, or what the runs were timed beside.
        out: the page; ``_report.html`` in the first run where none is named.
        score: that the tables show.
        config_dirs: folders of your own with further scores.
        dispatch: how tokens are split over replicas, ``even``, ``flow`` or ``near``, as ``--dispatch`` says.

    Raises:
        EplbError: nothing was measured, the reference was not, or the page cannot be written.
    """
    from evaluator.reports.making import make_report
    from evaluator.sweep.plan import load_score

    return make_report(runs, load_score(score, config_dirs), reference, out, dispatch).path


def search_programs(
    study: Run,
    *overrides: str,
    programs: int,
    parent: Run | None = None,
    workers: int = 1,
    seed: int = 0,
    **settings: Any,
) -> Path:
    """Search over programs without a language model, as ``eplb search --programs`` does, and return the study's folder.

    Args:
        study: folder, new or as it was left.
        overrides: of ``score``: workload and topology, or a suite.
        programs: distinct ones in all, those that are on record already included.
        parent: file of the program that the search begins with; the example program if None.
        workers: processes that judge at the same time.
        seed: of the choices.
        settings: of a new study: ``traces``, ``seconds``, ``time``, ``traces_seed`` (a secret if None).

    Raises:
        EplbError: the program cannot be judged, or nothing new comes of the library.
    """
    from evaluator.candidates.program import example_program, read_program
    from evaluator.evolve.mutating.loop import search
    from evaluator.evolve.study import study_at

    source = (read_program(parent) if parent is not None else example_program()).source
    found = study_at(study, source, overrides, **settings)
    search(found, programs, workers, seed)
    return found.folder


def import_search(
    folder: Run,
    *overrides: str,
    study: Run,
    parent: Run | None = None,
    layout: str | None = None,
    matching: str | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
    **settings: Any,
) -> pd.DataFrame:
    """Judge what an evolution engine left behind, as ``eplb evolve import`` does: a row for every program or document.

    Args:
        folder: of the engine's run.
        overrides: of ``score``: workload and topology, or a suite.
        study: folder by which all are judged, new or as it was left.
        parent: file of the initial program; that of the search if None.
        layout: of the folder; found out if None.
        matching: how documents were applied, where nobody says.
        jobs: programs tried beside each other.
        progress: told of each program.
        settings: of a new study: ``traces``, ``seconds``, ``time``, ``traces_seed`` (a secret if None).

    The columns are those of ``evaluator/evolve/imports/schema.py``; what could not be read is in ``attrs["missing"]``.

    Raises:
        EplbError: there is nothing to read, the initial program cannot be judged, or the study is another's.
    """
    import pandas as pd

    from evaluator.evolve.imports import read_left
    from evaluator.evolve.imports.importing import import_left, study_for

    name, left, missing = read_left(folder, layout)
    found = study_for(study, left, list(overrides), parent=parent, **settings)
    imported = import_left(found, name, left, missing, matching=matching, jobs=jobs, progress=progress)
    table = pd.DataFrame(imported.rows)
    table.attrs["missing"] = imported.missing
    return table


def build_board(
    *entries: Run, suite: str = "eplb_1", out: Run = "board", runs_dir: Run = "runs", time: bool = True
) -> pd.DataFrame:
    """Judge entries on a suite beside what ships, write the board, and return it: a row for each, best first.

    Args:
        entries: folders, each with a card and a program or a variant.
        suite: that they are judged on.
        out: folder of the page and the table.
        runs_dir: where what is measured is kept.
        time: whether times are taken.

    The columns are those of ``evaluator/board/schema.py``.

    Raises:
        EplbError: an entry lacks something, or the board cannot be written.
    """
    import pandas as pd

    from evaluator.board.entry import read_entry
    from evaluator.board.judging import How, judged
    from evaluator.board.page import write_board
    from evaluator.board.shipped import shipped_entries

    how = How(suite, Path(runs_dir, "board"), "both" if time else "quality")
    rows = judged([*shipped_entries(), *map(read_entry, entries)], how)
    write_board(rows, how, Path(out))
    return pd.DataFrame(rows)


def windows(*overrides: str, config_dirs: Sequence[str] = ()) -> NDArray[np.int64]:
    """Return the windows of a workload, ``[windows, layers, experts]`` tokens routed to each logical expert.

    Args:
        overrides: as of ``evaluate``: ``workload=dsr1_decode``, ``seed=1``, ``workload.interval=16``.
        config_dirs: folders of your own, laid out as ``conf/``.

    Raises:
        EplbError: the workload cannot be made or read.
    """
    import numpy as np

    from evaluator.sweep.plan import make_plan

    cell = make_plan([*overrides, "measure=quality"], config_dirs=config_dirs).cells[0]
    made = cell.workload.windows(cell.seed)
    return np.array([made[number] for number in range(len(made))], dtype=np.int64)
