"""Compositions of this package's stages, written out as programs: one file each that needs nothing of this project.

A program carries the sources of its stages and of what these import, without the kernels: it runs the readable stages,
so that it places exactly what the variant places. A candidate's process cannot count on finding this package installed,
and sees one load, so there is no forecaster.
"""

from __future__ import annotations

import dataclasses
import itertools
import pkgutil
from inspect import isfunction
from typing import Any

import eplb_variants
from eplb_variants import EplbError, Variant, load_variant
from eplb_variants.hierarchy import Staged, Steps
from eplb_variants.registry import name_of
from evaluator.candidates.program import Program
from evaluator.sweep.identity import import_closure

REPLICATORS: dict[str, Any] = {
    "dhondt": "dhondt",
    "hybrid": "hybrid",
    "hybrid_all": {"name": "hybrid", "tail": 1.0},
    "none": "none",
}
PACKERS: dict[str, Any] = {
    "greedy": {"name": "greedy"},
    "diverse_near": {"name": "diverse", "tie_eps": 0.02, "label_penalty": 0.02},
    "diverse_wide": {"name": "diverse", "tie_eps": 0.2, "label_penalty": 0.2},
}
"""For GPUs. With its published constants ``diverse`` differs from ``greedy`` only where loads are tied."""
SWAPS = (0, 1, 2, 4)
"""Of the packer for GPUs, at most."""
KERNELS = "kernels"
"""The room that programs do without."""

TEMPLATE = '''"""{name}: a composition of stages with all that it needs."""

import importlib.machinery
import sys

import torch

SOURCES = {{
{sources}
}}
"""The modules that the stages are made of, by name; packages are empty."""


class Written:
    """Imports the modules above as if they were files."""

    def find_spec(self, name, path=None, target=None):
        if name not in SOURCES:
            return None
        is_package = any(other.startswith(name + ".") for other in SOURCES)
        return importlib.machinery.ModuleSpec(name, self, is_package=is_package)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(compile(SOURCES[module.__name__], module.__name__, "exec"), module.__dict__)


sys.meta_path.insert(0, Written())
{imports}
from eplb_variants.hierarchy import Staged
from eplb_variants.loads import check_load
from eplb_variants.placement import Placement
from eplb_variants.topology import Topology

del sys.meta_path[0]
PLACER = Staged({stages}, policy={policy!r}, implementation="reference")


def rebalance_experts(weight, num_replicas, num_groups, num_nodes, num_gpus):
    """Return phy2log [L, P], log2phy [L, E, X] and logcnt [L, E] for weight [L, E]."""
    load = check_load(weight)[0]
    topology = Topology(num_replicas, num_groups, num_nodes, num_gpus)
    if not topology.hierarchical:
        topology = topology.flat()
    made = PLACER(load, topology, None)
    placement = Placement(made.phy2log, made.rank, load.shape[1], topology)
    return tuple(map(torch.from_numpy, (placement.phy2log, placement.log2phy, placement.logcnt)))
'''


def known_compositions() -> list[Variant]:
    """Return every replicator with every packer and number of swaps: 48, of which no two place alike.

    The fix-up is ``none``: ``k_move`` finds nothing to move where three experts or more share a node.
    """
    return [
        load_variant(
            {
                "name": f"{replicator}-{packer}-{swaps}",
                "group_packer": "greedy",
                "replicator": REPLICATORS[replicator],
                "fixup": "none",
                "gpu_packer": {**PACKERS[packer], "refine_steps": swaps},
            }
        )
        for replicator, packer, swaps in itertools.product(REPLICATORS, PACKERS, SWAPS)
    ]


def written_out(variant: Variant) -> Program:
    """Return a program, under the variant's name, that places what the variant places.

    Raises:
        EplbError: the variant looks at more than one load, or is not a composition of stages of this package.
    """
    placer = variant.placer
    if variant.windows != 1 or name_of("forecaster", variant.forecaster) != "last":
        raise EplbError(f"{variant.name!r} forecasts: a program sees one load")
    if type(placer) is not Staged or not variant.is_proven:
        raise EplbError(f"{variant.name!r} cannot be written out: it is not composed of stages of this package")
    stages = Steps(placer.group_packer, placer.replicator, placer.fixup, placer.gpu_packer)
    made = dict(zip(Steps._fields, stages, strict=True))
    source = TEMPLATE.format(
        name=variant.name,
        sources="\n".join(f"    {name!r}: {_quoted(text)}," for name, text in sorted(_sources(stages).items())),
        imports="\n".join(_imported(step, stage) for step, stage in made.items()),
        stages=", ".join(_expression(step, stage) for step, stage in made.items()),
        policy=placer.policy,
    )
    return Program(variant.name, source)


def _sources(stages: Steps) -> dict[str, str]:
    """Return the sources of stages, of the placer and of all that they import, by module; of packages, nothing."""
    rooms = {f"{eplb_variants.__name__}.{module.name}" for module in pkgutil.iter_modules(eplb_variants.__path__)}
    entries = [Staged.__module__, *(_made_by(stage).__module__ for stage in stages)]
    files = import_closure(entries, rooms - {f"{eplb_variants.__name__}.{KERNELS}"})
    texts = {name: file.read_text(encoding="utf-8") for name, file in files.items() if file is not None}
    return dict.fromkeys({name.rpartition(".")[0] for name in texts}, "") | texts


def _made_by(stage: Any) -> Any:
    return stage if isfunction(stage) else type(stage)


def _imported(step: str, stage: Any) -> str:
    made_by = _made_by(stage)
    return f"from {made_by.__module__} import {made_by.__name__} as {step}"


def _expression(step: str, stage: Any) -> str:
    """Return what makes a stage, in a program that has imported it under the name of its step, as an argument."""
    if isfunction(stage):
        return f"{step}={step}"
    parameters = [field.name for field in dataclasses.fields(stage) if field.init]
    return f"{step}={step}({', '.join(f'{name}={getattr(stage, name)!r}' for name in parameters)})"


def _quoted(text: str) -> str:
    """Return a literal of a text that can be read where that is possible."""
    readable = f"r'''{text}'''"
    return readable if "'''" not in text and not text.endswith(("'", "\\")) else repr(text)
