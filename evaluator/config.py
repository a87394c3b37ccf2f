"""All contact with Hydra: schemas, composition, and the expansion of a sweep into cells.

Composing a configuration takes Hydra a tenth of a second, so a sweep of a thousand cells is not a thousand
compositions. The sections of a configuration (variant, workload, topology, score) do not refer to each other: each is
composed once for every choice of its groups, values are set on copies, and cells are put together from the sections.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from eplb_variants import Topology, Variant, load_variant
from eplb_variants.errors import EplbError, unknown
from eplb_variants.registry import stages
from evaluator.cell import Cell, Workload
from evaluator.compare.score import Score
from evaluator.timing import TimingSettings
from evaluator.workloads import KINDS

CONFIG_MODULE = "evaluator.conf"
CONFIG_NAME = "evaluate"
SECTIONS = ("variant", "workload", "topology", "score")
MEASURES = ("quality", "time", "both")
PER_RUN = ("run", "runs_dir", "reference", "measure", "refresh")
"""Keys that are the same for all cells of a command."""


@dataclass
class EvaluateSchema:
    """Keys and types of the whole configuration."""

    run: str = MISSING
    runs_dir: str = MISSING
    seed: int = MISSING
    reference: str = MISSING
    measure: str = MISSING
    refresh: bool = MISSING
    variant: Any = MISSING
    workload: Any = MISSING
    topology: Any = MISSING
    score: Any = MISSING
    timing: Any = field(default_factory=lambda: _schema(TimingSettings, "Timing")())


@dataclass
class TopologySchema:
    """Keys and types of a topology."""

    name: str = MISSING
    summary: str = ""
    num_slots: int = MISSING
    num_groups: int = MISSING
    num_nodes: int = MISSING
    num_gpus: int = MISSING


@dataclass
class ScoreSchema:
    """Keys and types of a score."""

    name: str = MISSING
    summary: str = ""
    formula: str = MISSING
    blind: str = MISSING


def _schema(cls: type, name: str, extra: Sequence[tuple[str, Any, Any]] = ()) -> type:
    """Return a dataclass with the fields of a frozen one, for OmegaConf, which would make frozen ones read-only."""
    hints = {f.name: f.type for f in dataclasses.fields(cls)}
    types = {n: {"int": int, "float": float, "str": str, "bool": bool}.get(str(t), t) for n, t in hints.items()}
    own: list[tuple[str, Any, Any]] = [
        (f.name, types[f.name], field(default=MISSING if f.default is dataclasses.MISSING else f.default))
        for f in dataclasses.fields(cls)
    ]
    return dataclasses.make_dataclass(name, [(n, t, field(default=v)) for n, t, v in extra] + own)


def register_schemas() -> None:
    """Hand Hydra the types of everything that can be configured, the stages' parameters among them."""
    store = ConfigStore.instance()
    store.store(group="schema", name="evaluate", node=EvaluateSchema)
    store.store(group="schema", name="topology", node=TopologySchema)
    store.store(group="schema", name="score", node=ScoreSchema)
    for kind, cls in KINDS.items():
        common: list[tuple[str, Any, Any]] = [("name", str, MISSING), ("summary", str, ""), ("kind", str, kind)]
        windows: list[tuple[str, Any, Any]] = [("interval", int, 1), ("max_windows", int, 0)]
        store.store(group="schema/workload", name=kind, node=_schema(cls, kind, common + windows))
    for stage in stages():
        fields = [(name, hint, field(default=default)) for name, (hint, default) in stage.parameters.items()]
        node = dataclasses.make_dataclass(stage.name, [("name", str, field(default=stage.name)), *fields])
        store.store(group=f"stage/{stage.kind}", name=stage.name, node=node)


@dataclass(frozen=True)
class Plan:
    """What a command is to do.

    Attributes:
        cells: what to evaluate, in the order of the sweep, then the reference where it was not named.
        folder: where results go.
        reference: what variants are compared with and timed beside.
        measure: ``quality``, ``time`` or ``both``.
        refresh: whether to measure again what is there.
        timing: how to time.
        score: by which formula the summary ranks.
        left_out: why choices that a wildcard brought in cannot run, a sentence each.
    """

    cells: tuple[Cell, ...]
    folder: Path
    reference: Variant
    measure: str
    refresh: bool
    timing: TimingSettings
    score: Score
    left_out: tuple[str, ...] = ()


def make_plan(overrides: Sequence[str], *, multirun: bool = False, config_dirs: Sequence[str] = ()) -> Plan:
    """Return the plan of a command.

    Args:
        overrides: in Hydra's grammar, such as ``variant=seed``, ``workload.interval=16`` or, with ``multirun``,
            ``seed=0,1,2`` and ``workload=glob(*)``.
        multirun: whether sweeps are allowed.
        config_dirs: folders with further choices, laid out as ``conf/`` is.

    Raises:
        EplbError: whatever is wrong with the configuration, with the nearest match.
    """
    with hydra_session(config_dirs):
        composer = _Composer()
        cells: dict[int, Cell] = {}
        left_out: dict[str, None] = {}
        settings: dict[str, Any] | None = None
        score: Score | None = None
        for number, choice in enumerate(composer.expand(overrides, multirun)):
            common = composer.common(choice)
            if settings is not None and any(settings[key] != common[key] for key in (*PER_RUN, "timing")):
                raise EplbError(f"{', '.join(PER_RUN)} and timing are the same for all cells: they cannot be swept")
            settings = common
            if score not in (None, composer.score(choice)):
                raise EplbError("the score is the same for all cells: sweep without it, then `eplb compare --score`")
            score = composer.score(choice)
            try:
                cells[number] = composer.cell(choice, common["seed"])
            except EplbError as error:
                if not choice.from_glob:
                    raise
                left_out[str(error)] = None
        if settings is None or score is None or not cells:
            raise EplbError(next(iter(left_out), "the sweep is empty"))
        reference = composer.variant(settings["reference"])
        return Plan(
            cells=_with_reference(_told_apart(list(cells.values())), reference),
            folder=_folder(settings),
            reference=reference,
            measure=_one_of("measure", settings["measure"], MEASURES),
            refresh=settings["refresh"],
            timing=TimingSettings(**settings["timing"]),
            score=score,
            left_out=(*left_out, *composer.unseeded),
        )


def _told_apart(cells: list[Cell]) -> list[Cell]:
    """Return the cells with recordings of one file name and different content told apart by their hash."""
    contents: dict[str, set[str]] = {}
    for cell in cells:
        contents.setdefault(cell.workload.name, set()).add(cell.workload.content)

    def renamed(cell: Cell) -> Cell:
        name = cell.workload.name
        if len(contents[name]) == 1:
            return cell
        workload = Workload(f"{name}#{cell.workload.content[:6]}", cell.workload.config)
        return dataclasses.replace(cell, workload=workload)

    return [renamed(cell) for cell in cells]


def _with_reference(cells: Sequence[Cell], reference: Variant) -> tuple[Cell, ...]:
    """Return the cells with the reference on each of their workloads: without it there is nothing to compare with."""
    beside = [dataclasses.replace(cell, variant=reference) for cell in cells]
    return tuple({cell.key: cell for cell in [*cells, *beside]}.values())


def _folder(settings: Mapping[str, Any]) -> Path:
    name = settings["run"]
    if not name or name != Path(name).name or name.startswith("."):
        raise EplbError(f"run is {name!r}: it is the name of a folder under runs_dir, without slashes or a dot before")
    return Path(settings["runs_dir"]) / name


def _one_of(what: str, given: str, allowed: Sequence[str]) -> str:
    if given not in allowed:
        raise unknown(what, given, allowed)
    return given


@contextmanager
def hydra_session(config_dirs: Sequence[str] = ()) -> Iterator[None]:
    """Make Hydra ready to compose, with further folders of choices; its errors become sentences."""
    for folder in config_dirs:
        if not Path(folder).is_dir():
            raise EplbError(f"there is no folder {folder!r} with configuration")
    register_schemas()
    outer = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_module(CONFIG_MODULE, version_base="1.3"):
            search_path = GlobalHydra.instance().config_loader().get_search_path()
            for folder in config_dirs:
                search_path.prepend("command line", f"file://{Path(folder).resolve()}", "schema")
            _repository().initialize_sources(search_path)
            yield
    except EplbError:
        raise
    except (HydraException, OmegaConfBaseException) as error:
        raise EplbError(_sentence(error)) from None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:  # of values that cannot be used
        raise EplbError(f"the configuration cannot be used: {type(error).__name__}: {_sentence(error)}") from None
    finally:
        GlobalHydra.instance().hydra = outer


def _repository() -> Any:
    """Return where Hydra reads choices from; 1.3 has no public way to add a folder after its start."""
    return GlobalHydra.instance().config_loader().repository  # type: ignore[attr-defined]


def options(group: str) -> list[str]:
    """Return the choices of a configuration group, sorted; within a ``hydra_session``."""
    return sorted(GlobalHydra.instance().config_loader().get_group_options(group, ObjectType.CONFIG))


def summary_of(group: str, name: str) -> str:
    """Return the one line that a choice says of itself; within a ``hydra_session``."""
    loaded = _repository().load_config(f"{group}/{name}")
    return str(loaded.config.get("summary", "")) if loaded is not None else ""


def load_score(name: str, config_dirs: Sequence[str] = ()) -> Score:
    """Return the score of that name; EplbError names the nearest match otherwise."""
    with hydra_session(config_dirs):
        if name not in options("score"):
            raise unknown("score", name, options("score"))
        return Score(**_plain(compose(CONFIG_NAME, overrides=[f"score={name}"]).score))


def _sentence(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]) if lines else type(error).__name__


@dataclass(frozen=True)
class _Choice:
    """One point of a sweep: groups and values, apart."""

    groups: tuple[Override, ...]
    values: tuple[Override, ...]
    from_glob: bool

    def of(self, section: str | None) -> tuple[tuple[str, ...], tuple[tuple[str, Any], ...]]:
        """Return the groups and values that concern a section; None for what concerns none."""
        groups = tuple(o.input_line or "" for o in self.groups if _section(o) == section)
        values = tuple((o.key_or_group, o.value()) for o in self.values if _section(o) == section)
        return groups, values


def _section(override: Override) -> str | None:
    target = override.package or override.key_or_group
    first = target.replace("/", ".").partition(".")[0]
    return first if first in SECTIONS else None


class _Composer:
    """Composes sections, each distinct one once."""

    def __init__(self) -> None:
        self._parser = OverridesParser.create(GlobalHydra.instance().config_loader())
        self._composed: dict[tuple[str, ...], DictConfig] = {}
        self._built: dict[Any, Any] = {}
        self.unseeded: dict[str, None] = {}
        """Sentences about seeds that make no difference."""

    def expand(self, overrides: Sequence[str], multirun: bool) -> Iterator[_Choice]:
        """Yield the points of a sweep, the last override varying fastest."""
        axes = [self._axis(override, multirun) for override in self._parser.parse_overrides(list(overrides))]
        for point in itertools.product(*axes):
            groups = tuple(o for o, _ in point if self._is_group(o))
            values = tuple(o for o, _ in point if not self._is_group(o))
            yield _Choice(groups, values, any(globbed for _, globbed in point))

    def _axis(self, override: Override, multirun: bool) -> list[tuple[Override, bool]]:
        if not override.is_sweep_override():
            self._check_choice(override)
            return [(override, False)]
        if not multirun:
            raise EplbError(f"{override.input_line!r} is a sweep: add -m to run it")
        globbed = isinstance(override.value(), Glob)
        lines = [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]
        if not lines:
            raise EplbError(f"{override.input_line!r} matches nothing")
        points = self._parser.parse_overrides(lines)
        for point in points:
            self._check_choice(point)
        return [(point, globbed) for point in points]

    def _is_group(self, override: Override) -> bool:
        key = override.key_or_group
        return bool(self._remember(("is group", key), lambda: bool(options(key))))

    def _check_choice(self, override: Override) -> None:
        key, value = override.key_or_group, override.value()
        if self._is_group(override) and value not in options(key):
            raise unknown(key, value, options(key))

    def _config(self, groups: tuple[str, ...]) -> DictConfig:
        if groups not in self._composed:
            self._composed[groups] = compose(CONFIG_NAME, overrides=list(groups))
        return self._composed[groups].copy()

    def _section(self, choice: _Choice, section: str) -> tuple[DictConfig, DictConfig]:
        """Return a section as chosen, and as the preset that it started from."""
        groups, values = choice.of(section)
        everywhere = choice.of(None)[0]
        config = self._config(everywhere + groups)
        for key, value in values:
            _set(config, key, value)
        missing = sorted(OmegaConf.missing_keys(config[section]))
        if missing:
            raise EplbError(f"{section}={config[section].name} needs {missing[0]}=...")
        chosen = tuple(g for g in groups if g.partition("=")[0] == section)
        name = chosen[-1].partition("=")[2] if chosen else config[section].get("name")
        if config[section].get("name") != name:
            raise EplbError(
                f"{section}={name} calls itself {config[section].get('name')!r}: a choice has its file's name"
            )
        return config[section], self._config(everywhere + chosen)[section]

    def common(self, choice: _Choice) -> dict[str, Any]:
        """Return the keys outside the sections."""
        groups, values = choice.of(None)

        def build() -> dict[str, Any]:
            config = self._config(groups)
            for key, value in values:
                _set(config, key, value)
            keys = [str(key) for key in config if key not in SECTIONS]
            return {str(k): v for k, v in _plain(OmegaConf.masked_copy(config, keys)).items()}

        settings: dict[str, Any] = self._remember(("common", groups, repr(values)), build)
        return settings

    def cell(self, choice: _Choice, seed: int) -> Cell:
        """Return the cell of a point of the sweep; equal sections are the same objects."""

        def variant() -> Variant:
            config, preset = map(_plain, self._section(choice, "variant"))
            return load_variant({**config, "name": _label(config, preset)})

        def workload() -> Workload:
            config, preset = map(_plain, self._section(choice, "workload"))
            name = _label(config, preset)
            if config["kind"] == "recorded":
                name = _label({**config, "name": Path(config["path"]).stem}, {**preset, "path": config["path"]})
            return Workload(name, {k: v for k, v in config.items() if k not in ("name", "summary")})

        def topology() -> tuple[str, Topology]:
            config, preset = map(_plain, self._section(choice, "topology"))
            made = Topology(**{k: v for k, v in config.items() if k not in ("name", "summary")})
            return (config["name"] if config == preset else numbers(made)), made

        def part(section: str, build: Callable[[], Any]) -> Any:
            return self._remember((section, repr(choice.of(section)), repr(choice.of(None)[0])), build)

        topology_name, made = part("topology", topology)
        if seed < 0:
            raise EplbError(f"seed is {seed}: it must be 0 or more")
        chosen: Workload = part("workload", workload)
        if seed and not chosen.seeded:
            self.unseeded[f"the seeds of {chosen.name!r}, which is the same for every seed"] = None
        return Cell(part("variant", variant), chosen, topology_name, made, seed if chosen.seeded else 0)

    def variant(self, name: str) -> Variant:
        """Return a variant by its name in the group, wherever that is from."""
        if name not in options("variant"):
            raise unknown("variant", name, options("variant"))
        return load_variant(_plain(self._config((f"variant={name}",)).variant))

    def score(self, choice: _Choice) -> Score:
        """Return the score of a point of the sweep."""
        return Score(**_plain(self._section(choice, "score")[0]))

    def _remember(self, key: Any, build: Callable[[], Any]) -> Any:
        if key not in self._built:
            self._built[key] = build()
        return self._built[key]


def numbers(topology: Topology) -> str:
    """Return the name of a topology that has none."""
    return f"slots{topology.num_slots}_groups{topology.num_groups}_nodes{topology.num_nodes}_gpus{topology.num_gpus}"


def _label(config: Mapping[str, Any], preset: Mapping[str, Any]) -> str:
    """Return the name of a section with what was changed against its preset."""
    before = dict(_flat(preset))
    changed = [f"{k}={v}" for k, v in _flat(config) if before.get(k, object()) != v and k not in ("name", "summary")]
    return f"{config['name']}[{','.join(changed)}]" if changed else str(config["name"])


def _flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _plain(config: DictConfig) -> dict[str, Any]:
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def _set(config: DictConfig, key: str, value: Any) -> None:
    """Set a value that must be there already, of the type that its schema asks for."""
    parent: Any = config
    path = key.split(".")
    for depth, part in enumerate(path):
        if not isinstance(parent, DictConfig) or part not in map(str, parent.keys()):
            siblings = map(str, parent.keys()) if isinstance(parent, DictConfig) else ()
            raise unknown("key", key, [".".join([*path[:depth], sibling]) for sibling in siblings])
        parent = parent._get_node(part) if depth + 1 < len(path) else parent
    try:
        OmegaConf.update(config, key, value, merge=True)
    except OmegaConfBaseException as error:
        raise EplbError(f"{key}={value} cannot be: {str(error).splitlines()[0]}") from None
