"""A sweep's points become cells, and each distinct section of their configuration is composed once.

Composing a configuration takes Hydra a tenth of a second, so a sweep of a thousand cells is not a thousand
compositions. The sections of a configuration (variant, workload, topology, score) do not refer to each other: each is
composed once for every choice of its groups, values are set on copies, and cells are put together from the sections.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from eplb_variants import Topology, Variant, load_variant
from eplb_variants.errors import EplbError, unknown
from eplb_variants.registry import find
from eplb_variants.variant import STEPS
from evaluator.analysis.score import Score
from evaluator.config.experiment import EXPERIMENT, chosen_experiment, merged, sweep_lines
from evaluator.config.session import CONFIG_NAME, options, plain
from evaluator.sweep.cell import Cell, Workload
from evaluator.workloads.kept import Kept

KEPT = ".traces"
"""The folder under ``runs_dir`` with the traces of long workloads."""
SECTIONS = ("variant", "workload", "topology", "score")


@dataclass(frozen=True)
class Choice:
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


class Composer:
    """Composes sections, each distinct one once."""

    def __init__(self) -> None:
        self._parser = OverridesParser.create(GlobalHydra.instance().config_loader())
        self._composed: dict[tuple[str, ...], DictConfig] = {}
        self._built: dict[Any, Any] = {}
        self.unseeded: dict[str, None] = {}
        """Sentences about seeds that make no difference."""

    def expand(self, overrides: Sequence[str], multirun: bool) -> Iterator[Choice]:
        """Yield the points of a sweep, the last override varying fastest."""
        given = self._with_experiment(self._parser.parse_overrides(list(overrides)), multirun)
        axes = [self._axis(override, multirun) for override in given]
        for point in itertools.product(*axes):
            groups = tuple(o for o, _ in point if self._is_group(o))
            values = tuple(o for o, _ in point if not self._is_group(o))
            yield Choice(groups, values, any(globbed for _, globbed in point))

    def _with_experiment(self, given: list[Override], multirun: bool) -> list[Override]:
        """Return the overrides with what the experiment that they choose, if they do, chooses and sweeps before them.

        Its choices become overrides like any other, so that sections are composed, and named, as without it.
        """
        experiment = chosen_experiment(given)
        if experiment is None:
            return given
        self._check_choice(experiment)
        name, config = str(experiment.value()), self._config((experiment.input_line or "",))
        choices = {section: str(config[section].get("name")) for section in SECTIONS}
        for section, choice in choices.items():
            if choice not in options(section) or config[section] != self._config((f"{section}={choice}",))[section]:
                raise EplbError(f"experiment={name} sets values of {section}: they belong under its key sweep")
        lines = sweep_lines(name, {**choices, **plain(config)["sweep"]})
        return merged(name, self._parser.parse_overrides(lines), given, multirun)

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

    def _section(self, choice: Choice, section: str) -> tuple[DictConfig, DictConfig]:
        """Return a section as chosen, and as the preset that it started from."""
        groups, values = choice.of(section)
        everywhere = tuple(g for g in choice.of(None)[0] if not g.startswith(f"{EXPERIMENT}="))
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

    def common(self, choice: Choice) -> dict[str, Any]:
        """Return the keys outside the sections."""
        groups, values = choice.of(None)

        def without_sections() -> DictConfig:
            config = self._config(groups)
            with open_dict(config):
                for section in SECTIONS:
                    config.pop(section, None)
            return config

        def build() -> dict[str, Any]:
            config = self._remember(("without sections", groups), without_sections).copy()
            for key, value in values:
                _set(config, key, value)
            return {str(k): v for k, v in plain(config).items()}

        settings: dict[str, Any] = self._remember(("common", groups, repr(values)), build)
        return settings

    def cell(self, choice: Choice, seed: int) -> Cell:
        """Return the cell of a point of the sweep; equal sections are the same objects."""
        kept = Kept(Path(self.common(choice)["runs_dir"]) / KEPT)

        def variant() -> Variant:
            config, preset = map(plain, self._section(choice, "variant"))
            return load_variant({**config, "name": _label(config, preset)})

        def workload() -> Workload:
            config, preset = map(plain, self._section(choice, "workload"))
            named = Workload("", {k: v for k, v in config.items() if k not in ("name", "summary")}, kept)
            where = {key: config[key] for key in named.source.located_by}
            name = _label({**config, "name": named.source.own_name or config["name"]}, {**preset, **where})
            named.check()
            return replace(named, name=name)

        def topology() -> tuple[str, Topology]:
            config, preset = map(plain, self._section(choice, "topology"))
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
        return load_variant(plain(self._config((f"variant={name}",)).variant))

    def score(self, choice: Choice) -> Score:
        """Return the score of a point of the sweep."""
        made: Score = self._remember(
            ("score", repr(choice.of("score")), repr(choice.of(None)[0])),
            lambda: Score(**plain(self._section(choice, "score")[0])),
        )
        return made

    def _remember(self, key: Any, build: Callable[[], Any]) -> Any:
        if key not in self._built:
            self._built[key] = build()
        return self._built[key]


def numbers(topology: Topology) -> str:
    """Return the name of a topology that has none."""
    return f"slots{topology.num_slots}_groups{topology.num_groups}_nodes{topology.num_nodes}_gpus{topology.num_gpus}"


def _label(config: Mapping[str, Any], preset: Mapping[str, Any]) -> str:
    """Return the name of a section with what was changed against its preset.

    A stage that took another's place stands there by its name, and with the parameters that are not its own defaults.
    """
    before = {**dict(_flat(preset)), **_defaults_of_others(config, preset)}
    changed = [f"{k}={v}" for k, v in _flat(config) if before.get(k, object()) != v and k not in ("name", "summary")]
    return f"{config['name']}[{','.join(changed)}]" if changed else str(config["name"])


def _defaults_of_others(config: Mapping[str, Any], preset: Mapping[str, Any]) -> dict[str, Any]:
    """Return the default parameters, by key, of the stages that are others than in the preset."""
    kinds = {**STEPS, "forecaster": "forecaster", "placer": "placer"}
    defaults: dict[str, Any] = {}
    for slot, kind in kinds.items():
        now, then = (part.get(slot) for part in (config, preset))
        if isinstance(now, Mapping) and isinstance(then, Mapping) and now["name"] != then["name"]:
            parameters = find(kind, str(now["name"])).parameters
            defaults |= {f"{slot}.{key}": then.get(key, default) for key, (_, default) in parameters.items()}
    return defaults


def _flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


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
