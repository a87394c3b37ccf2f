"""The search: trials of compositions in a study that is kept in a file, by any number of workers, and its front.

Optuna's NSGA-II chooses (Deb et al. 2002): next-window balance up, time and moved slots down. Whoever kills a worker
loses its trial, no more: started again, the search goes on to the number of trials that was asked for.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState

from eplb_variants import EplbError, load_variant, variant_names
from eplb_variants.errors import described
from evaluator.candidates.settings import Choices, Settings, settings_of
from evaluator.searching.measuring import How, Worth, measured
from evaluator.searching.space import choices_for, compose, told
from evaluator.sweep.plan import make_plan
from evaluator.sweep.variant_file import text_of

REFERENCE = "deepseek"
NAMES = ("next", "time", "moved")
DIRECTIONS = (StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE, StudyDirection.MINIMIZE)
"""What is looked for, and which way is better."""
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
LOCKED_SECONDS = 60.0
"""How long a worker waits for the file while another writes."""
TRIES, AGAIN_SECONDS = 5, 0.3
"""How often a study is opened, and the time between."""
ALIVE_SECONDS, GONE_SECONDS = 5, 30
"""How often a worker says that its trial goes on, and after which silence it is taken for ended."""
FLOORS = ("contiguous", "random", "round_robin")
STARTS = {"random": (), "floors": FLOORS, "shipped": None}
"""Which variants are tried first, by the name of the start; None for all that are shipped."""
NO_WORSE_TIME = 1.05
"""Times are measured: who takes so many times as long as another is no slower."""
COMPOSITION, WHY = "composition", "why"
"""What is kept with a trial: the configuration of its variant, and why it is none."""


@dataclass(frozen=True)
class Search:
    """A search.

    Attributes:
        file: of the study.
        overrides: of ``eplb score``, which say what is searched on: a suite, or a workload on a topology.
        seed: of synthetic traces, where there is no suite.
        traces: of the training part, where there is no suite.
        held_out: of the held-out part.
        place_seconds: that a call of a variant may take.
        by_load: whether tokens are split over replicas by load.
        start: what is tried first, a key of ``STARTS``.
        any_node: whether expert groups need not stay on their nodes.
    """

    file: Path
    overrides: tuple[str, ...]
    seed: int = 0
    traces: int = 10
    held_out: int = 20
    place_seconds: float = 1.0
    by_load: bool = False
    start: str = "random"
    any_node: bool = False

    @property
    def how(self) -> How:
        """How its variants are measured."""
        return How(self.place_seconds, self.by_load, self.any_node)

    @property
    def settings(self) -> Settings:
        """What is searched on, and what is held out; EplbError where overrides are wrong."""
        plan = make_plan([*self.overrides, "run=search"])
        if plan.suite is not None:
            return settings_of(plan)
        return settings_of(plan, Choices(seed=self.seed, traces=self.traces, held_out=self.held_out))


@dataclass(frozen=True)
class OnFront:
    """A member of the front.

    Attributes:
        number: of its trial.
        config: of its variant.
        values: ``next``, ``time`` and ``moved`` on the training part.
    """

    number: int
    config: dict[str, Any]
    values: tuple[float, float, float]

    @property
    def composition(self) -> str:
        """It in a line."""
        return told(self.config)


def opened(search: Search, sampler: optuna.samplers.BaseSampler | None = None) -> optuna.Study:
    """Return the study of a search, new or as it was left; EplbError where the file is none, or of other settings."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    study = _created(search.file, sampler)
    _check_trials(study, search.file)
    identity = repr((sorted(search.overrides), search.seed, search.traces, search.by_load, search.any_node))
    if study.user_attrs.setdefault("identity", identity) != identity:
        raise EplbError(f"{str(search.file)!r} is of a search on something else: name another file")
    study.set_user_attr("identity", identity)
    return study


def _check_trials(study: optuna.Study, file: Path) -> None:
    """Raise EplbError where the trials of a study, a stranger's perhaps, are not such as are made here."""
    try:
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            load_variant(trial.user_attrs[COMPOSITION])
            if len(trial.values) != len(NAMES):
                raise ValueError
    except Exception as error:  # of SQLite, SQLAlchemy, JSON and Optuna alike
        why = described(error)
        raise EplbError(f"{str(file)!r} cannot be used as a study: a trial cannot be read ({why})") from None


def _created(file: Path, sampler: optuna.samplers.BaseSampler | None) -> optuna.Study:
    """Return the study in a file; tried a few times, for two that make the file at once are in each other's way."""
    failed = ""
    for _ in range(TRIES):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # of signs of life
                storage = optuna.storages.RDBStorage(
                    f"sqlite:///{file.resolve()}",
                    engine_kwargs={"connect_args": {"timeout": LOCKED_SECONDS}},
                    heartbeat_interval=ALIVE_SECONDS,
                    grace_period=GONE_SECONDS,
                )
            return optuna.create_study(
                storage=storage, study_name="search", directions=list(DIRECTIONS), sampler=sampler, load_if_exists=True
            )
        except Exception as error:  # of SQLite, SQLAlchemy and Optuna alike
            failed = type(error).__name__
            time.sleep(AGAIN_SECONDS)
    raise EplbError(f"{str(file)!r} cannot be used as a study: {failed}")


def run(search: Search, trials: int, workers: int = 1, told_of: Callable[[int], None] | None = None) -> None:
    """Go on with a search until so many trials have ended.

    Args:
        search: which.
        trials: in all, those of earlier calls included.
        workers: processes that try at the same time.
        told_of: called with the number of trials that have ended, now and then.

    Raises:
        EplbError: the study cannot be used, or a worker ended before its time.
    """
    search.settings.training[0].traces  # noqa: B018 - what is wrong with it is said before anything is tried
    study = opened(search)
    if ended_of(study) >= trials:
        return
    if not study.trials:
        first = STARTS[search.start]
        for name in variant_names() if first is None else first:
            choices = choices_for(load_variant(name).config)
            if choices is not None:
                study.enqueue_trial(choices)
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_work, args=(search, trials, number, os.getpid()), daemon=True)
        for number in range(workers)
    ]
    for process in processes:
        process.start()
    try:
        while any(process.is_alive() for process in processes):
            processes[0].join(0.5)
            if told_of is not None:
                told_of(ended_of(study))
    finally:
        for process in processes:
            process.terminate()
            process.join()
    if ended_of(study) < trials:
        raise EplbError(f"{ended_of(study)} of {trials} trials ended: a worker broke down; start it again to go on")


def ended_of(study: optuna.Study) -> int:
    """Return how many trials have ended."""
    return len(study.get_trials(deepcopy=False, states=ENDED))


def _work(search: Search, trials: int, number: int, parent: int) -> None:
    """Try compositions until enough trials have ended; the program of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    reference, strata = load_variant(REFERENCE), search.settings.training
    study = opened(search, optuna.samplers.NSGAIISampler(population_size=24, seed=os.getpid() + number))

    def objective(trial: Trial) -> tuple[float, ...]:
        try:
            config = compose(trial)
            trial.set_user_attr(COMPOSITION, config)
            variant = load_variant(config)
            worth = measured(variant, reference, strata, search.how)
        except EplbError as error:
            trial.set_user_attr(WHY, str(error))
            raise optuna.TrialPruned from None
        return worth.mean, worth.seconds, worth.moved

    while os.getppid() == parent and ended_of(study) < trials:  # none outlives who started it
        study.optimize(objective, n_trials=1)


def front_of(search: Search) -> list[OnFront]:
    """Return the trials that no other is better than in one respect without being worse in another, best first."""
    best: Sequence[FrozenTrial] = opened(search).best_trials
    found: dict[str, OnFront] = {}
    for trial in sorted(best, key=lambda trial: -trial.values[0]):
        config = trial.user_attrs[COMPOSITION]
        found.setdefault(told(config), OnFront(trial.number, config, tuple(trial.values)))
    return list(found.values())


@dataclass(frozen=True)
class Beside:
    """A shipped variant beside a front.

    Attributes:
        name: of the variant.
        values: ``next``, ``time`` and ``moved`` on the training part; None where it is no variant there.
        why: it is none.
        by: the member of the front with the best balance that is no worse in any of the three; None where none is.
    """

    name: str
    values: tuple[float, float, float] | None
    why: str = ""
    by: OnFront | None = None


def shipped_beside(search: Search, members: Sequence[OnFront]) -> list[Beside]:
    """Return the shipped variants, measured on the training part as trials are, the best balance first."""
    reference, strata = load_variant(REFERENCE), search.settings.training
    found = []
    for name in variant_names():
        try:
            worth = measured(load_variant(name), reference, strata, search.how)
        except EplbError as error:
            found.append(Beside(name, None, str(error)))
            continue
        values = (worth.mean, worth.seconds, worth.moved)
        found.append(Beside(name, values, by=next((one for one in members if _is_no_worse(one.values, values)), None)))
    return sorted(found, key=lambda one: -one.values[0] if one.values else 0.0)


def _is_no_worse(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    rounding = 1e-9
    is_near = one[0] >= other[0] - rounding and one[2] <= other[2] + rounding
    return is_near and one[1] <= other[1] * NO_WORSE_TIME


def held_out_worth(search: Search, members: Sequence[OnFront]) -> tuple[Worth, list[Worth]]:
    """Return what the reference and the members of a front are worth on the held-out part."""
    strata, reference = search.settings.held_out, load_variant(REFERENCE)
    if not strata:
        raise EplbError("nothing is held out of this workload")
    how = search.how._replace(place_seconds=float("inf"))
    base = measured(reference, reference, strata, how._replace(any_node=True))
    return base, [measured(load_variant(member.config), reference, strata, how) for member in members]


def write_variants(members: Sequence[OnFront], folder: Path) -> list[Path]:
    """Write the members of a front as variants that ``eplb evaluate --config-dir`` finds, and return the files.

    Raises:
        EplbError: the folder cannot be written to.
    """
    try:
        return _written(members, folder / "variant")
    except OSError as error:
        raise EplbError(f"variants cannot be written to {str(folder)!r}: {error.strerror}") from None


def _written(members: Sequence[OnFront], variants: Path) -> list[Path]:
    variants.mkdir(parents=True, exist_ok=True)
    files = []
    for member in members:
        name = f"found_{member.number:04d}"
        file = variants / f"{name}.yaml"
        summary = f"trial {member.number} of a search"
        file.write_text(text_of(name, member.config, summary, member.composition), encoding="utf-8")
        files.append(file)
    return files
