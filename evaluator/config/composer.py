"""A sweep's points, each distinct section of their configuration composed once.

Composing a configuration takes Hydra a tenth of a second, so a sweep of a thousand points is not a thousand
compositions. The sections of a configuration (variant, workload, topology, score) do not refer to each other: each is
composed once for every choice of its groups, and values are set on copies. What comes out is plain: dicts of Python
values, and the overrides that chose them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from eplb_variants.errors import EplbError, unknown
from eplb_variants.variant import flat
from evaluator.config.composed import composed
from evaluator.config.experiment import AXES, EXPERIMENT, chosen_experiment, compose_experiment, merged, sweep_lines
from evaluator.config.grammar import written
from evaluator.config.overrides import check_written, section_of, set_value
from evaluator.config.schemas import typed
from evaluator.config.session import plain
from evaluator.config.unofficial import Glob, Override, groups_in, options, parser

SECTIONS = ("variant", "workload", "topology", "score")


@dataclass(frozen=True, eq=False)
class Section:
    """A section of a point, plain; equal choices are the same object.

    Attributes:
        values: as it was chosen and set.
        preset: as the choice's file has it.
        overrides: those that made it, in one form however they were given: the choice, stages that took another's
            place, then values that differ, sorted.
    """

    values: dict[str, Any]
    preset: dict[str, Any]
    overrides: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """Groups and values of a point, apart."""

    groups: tuple[Override, ...]
    values: tuple[Override, ...]

    def of(self, section: str | None) -> tuple[tuple[str, ...], tuple[tuple[str, Any], ...]]:
        """Return the groups and values that concern a section; None for what concerns none."""
        groups = tuple(o.input_line or "" for o in self.groups if section_of(o, SECTIONS) == section)
        values = tuple((o.key_or_group, o.value()) for o in self.values if section_of(o, SECTIONS) == section)
        return groups, values


class Point:
    """A point of a sweep; its parts are composed when they are asked for.

    Attributes:
        from_glob: whether a wildcard brought it in, so that it may be left out where it cannot run.
    """

    def __init__(self, composer: Composer, choice: Choice, from_glob: bool) -> None:
        self._composer, self._choice = composer, choice
        self.from_glob = from_glob

    @property
    def settings(self) -> dict[str, Any]:
        """The keys outside the sections, such as ``run`` and ``timing``; EplbError where one is wrong."""
        return self._composer.settings(self._choice)

    def section(self, name: str) -> Section:
        """Return a section of ``SECTIONS``; EplbError where a key, a type or a needed value is wrong."""
        return self._composer.section(self._choice, name)


class Composer:
    """Composes sections, each distinct one once; within a ``hydra_session``."""

    def __init__(self) -> None:
        self._parser = parser()
        self._built: dict[Any, Any] = {}

    def points(self, overrides: Sequence[str], multirun: bool) -> Iterator[Point]:
        """Yield the points of a sweep, the last override varying fastest.

        Args:
            overrides: in Hydra's grammar.
            multirun: whether sweeps are allowed.

        Raises:
            EplbError: an override that cannot be read, a group, key or choice that does not exist.
        """
        given = self._parser.parse_overrides(list(overrides))
        for override in given:
            self._check_key(override)
        axes = [self._axis(override, multirun) for override in self._with_experiment(given, multirun)]
        for point in itertools.product(*axes):
            groups = tuple(o for o, _ in point if self._is_group(o))
            values = tuple(o for o, _ in point if not self._is_group(o))
            yield Point(self, Choice(groups, values), any(globbed for _, globbed in point))

    def chosen(self, section: str, name: str) -> Section:
        """Return a section by the name of its choice; EplbError names the nearest match otherwise."""
        if name not in self._options(section):
            raise unknown(section, name, self._options(section))
        return self.section(Choice(tuple(self._parser.parse_overrides([f"{section}={name}"])), ()), section)

    def suite(self, name: str) -> dict[str, Any]:
        """Return what the file of a suite says, plain; EplbError where there is none, or a key or type is wrong."""
        if name not in self._options("suite"):
            raise unknown("suite", name, self._options("suite"))
        config = typed("suite", composed((f"suite={name}",))["suite"])
        said = plain(config)
        missing = sorted(OmegaConf.missing_keys(config))
        if missing:
            raise EplbError(f"suite={name} needs {missing[0]}")
        if said["name"] != name:
            raise EplbError(f"suite={name} calls itself {said['name']!r}: a choice has its file's name")
        return said

    def section(self, choice: Choice, name: str) -> Section:
        """Return a section of a point; see ``Point.section``."""
        key = (name, repr(choice.of(name)), repr(choice.of(None)[0]))
        made: Section = self._remember(key, lambda: self._make_section(choice, name))
        return made

    def settings(self, choice: Choice) -> dict[str, Any]:
        """Return the keys of a point outside the sections; see ``Point.settings``."""
        groups, values = choice.of(None)

        def without_sections() -> DictConfig:
            config = composed(groups)
            with open_dict(config):
                for section in SECTIONS:
                    config.pop(section, None)
            return config

        def build() -> dict[str, Any]:
            config = self._remember(("without sections", groups), without_sections).copy()
            for key, value in values:
                set_value(config, key, value)
            return plain(config)

        settings: dict[str, Any] = self._remember(("settings", groups, repr(values)), build)
        return settings

    def _with_experiment(self, given: list[Override], multirun: bool) -> list[Override]:
        """Return the overrides with what the experiment that they choose, if they do, chooses and sweeps before them.

        Its choices become overrides like any other, so that sections are composed, and named, as without it.
        """
        experiment = chosen_experiment(given)
        if experiment is None:
            return given
        self._check_choice(experiment)
        name = str(experiment.value())
        config, axes = compose_experiment(name)
        choices = {section: str(config[section].get("name")) for section in SECTIONS}
        for section, choice in choices.items():
            if choice not in self._options(section) or config[section] != composed((f"{section}={choice}",))[section]:
                raise EplbError(f"experiment={name} sets values of {section}: they belong under {AXES}")
        studied = self._parser.parse_overrides(sweep_lines({**choices, **axes}))
        for override in studied:
            self._check_key(override)
        return merged(name, studied, given, multirun)

    def _axis(self, override: Override, multirun: bool) -> list[tuple[Override, bool]]:
        if not override.is_sweep_override():
            self._check_choice(override)
            return [(override, False)]
        if not multirun:
            raise EplbError(f"{override.input_line!r} is a sweep: add -m to run it")
        if override.is_interval_sweep():
            raise EplbError(f"{override.input_line!r} has no number of values: write a,b,c or range(START,STOP,STEP)")
        globbed = isinstance(override.value(), Glob)
        lines = [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]
        if not lines:
            raise EplbError(f"{override.input_line!r} matches nothing")
        points = self._parser.parse_overrides(lines)
        for point in points:
            self._check_choice(point)
        return [(point, globbed) for point in points]

    def _is_group(self, override: Override) -> bool:
        return bool(self._options(override.key_or_group))

    def _options(self, group: str) -> list[str]:
        """Return the choices of a group; none where a key is no group."""
        found: list[str] = self._remember(("options", group), lambda: options(group))
        return found

    def _check_key(self, override: Override) -> None:
        """Raise EplbError where the group, or the first part of the key, is unknown or not written as it may be."""
        check_written(override, (*SECTIONS, EXPERIMENT))
        key = override.key_or_group
        if self._is_group(override):
            return
        if "/" in key:
            parent = key.rpartition("/")[0]
            raise unknown("group", key, groups_in(parent) or (*SECTIONS, EXPERIMENT))
        if section_of(override, SECTIONS) is None:
            keys = self._remember("keys", lambda: {*map(str, composed(())), EXPERIMENT})
            if key.partition(".")[0] not in keys:
                raise unknown("group or key", key, keys)

    def _check_choice(self, override: Override) -> None:
        key, value = override.key_or_group, override.value()
        known = self._options(key)
        if known and value not in known:
            raise unknown(key, value, known)

    def _make_section(self, choice: Choice, name: str) -> Section:
        groups, values = choice.of(name)
        everywhere = tuple(g for g in choice.of(None)[0] if not g.startswith(f"{EXPERIMENT}="))
        chosen = tuple(g for g in groups if g.partition("=")[0] == name)
        composed, preset = self._typed(everywhere + groups, name), self._typed(everywhere + chosen, name)
        config = composed.copy()
        for key, value in values:
            set_value(config, key, value)
        said = config[name].get("name")
        file = chosen[-1].partition("=")[2] if chosen else preset[name].get("name")
        if said != file:
            raise EplbError(f"{name}={file} calls itself {said!r}: a choice has its file's name")
        missing = sorted(OmegaConf.missing_keys(config[name]))
        if missing:
            raise EplbError(f"{name}={file} needs {missing[0]}=...")
        made, original = plain(config[name]), plain(preset[name])
        if made.get("kind") != original.get("kind"):
            raise EplbError(f"{name}.kind comes with the choice: choose another with {name}=NAME")
        before = dict(flat(plain(composed[name])))
        changed = [f"{name}.{key}={written(value)}" for key, value in flat(made) if before.get(key, ...) != value]
        stages = [group for group in groups if group not in chosen and not _is_preset(group, original)]
        return Section(made, original, (*everywhere, f"{name}={file}", *sorted(stages), *sorted(changed)))

    def _typed(self, groups: tuple[str, ...], section: str) -> DictConfig:
        """Return a composition in which a section has its schema; not to be changed."""

        def build() -> DictConfig:
            config = composed(groups)
            if section not in config or not isinstance(config[section], DictConfig):
                raise EplbError(f"{section}={config.get(section)} is no file of conf/{section}")
            config[section] = typed(section, config[section])
            return config

        made: DictConfig = self._remember(("typed", groups, section), build)
        return made

    def _remember(self, key: Any, build: Callable[[], Any]) -> Any:
        if key not in self._built:
            self._built[key] = build()
        return self._built[key]


def _is_preset(group: str, preset: dict[str, Any]) -> bool:
    """Return whether a choice such as ``stage/packer@variant.gpu_packer=greedy`` is the one that the preset makes."""
    key, _, choice = group.partition("=")
    part = preset.get(key.rpartition(".")[2])
    return isinstance(part, dict) and part.get("name") == choice
