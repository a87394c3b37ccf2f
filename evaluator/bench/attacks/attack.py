"""An attack: a program whose head says what it tries, what is to stop it, and what it deserves."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from eplb_variants.errors import EplbError, unknown
from evaluator.candidates.program import example_program

SUFFIX = ".attack"
IDENTICAL, INVALID, NOT_BETTER, NOT_FASTER = "identical placements", "invalid", "not better", "not faster"
NOT_IDENTICAL = "not identical"
DESERTS = (IDENTICAL, INVALID, NOT_BETTER, NOT_FASTER, NOT_IDENTICAL)
ONCE, TIMED, FROM_START, TWICE, BESIDE = "once", "timed", "timed from the start", "twice", "beside itself"
WAYS = (ONCE, TIMED, FROM_START, TWICE, BESIDE)
"""How an attack is judged: without a clock; with one; with one by a judge of its own, when it knows how long the judge
takes until it times; a second time after its twin has seen the loads; at the same time as its twin."""
LIMITS: Mapping[str, Callable[[str], float]] = {
    "wall_seconds": float,
    "total_seconds": float,
    "cpu_seconds": int,
    "memory_mib": int,
    "file_mib": int,
}
REQUIRED, OPTIONAL = ("tries", "stopped by", "deserves"), ("judged", "limits")
LINE = re.compile(r"# ([a-z ]+): (\S.*)")

COMMON = '''

def otherwise(weight, num_replicas, num_groups, num_nodes, num_gpus):
    """Return a placement that is worth what the honest one is, and is another."""
    nodes = 1 if num_groups % num_nodes else num_nodes
    phy2log = honest(weight, num_replicas, num_groups, num_nodes, num_gpus)[0]
    return phy2log.view(len(phy2log), nodes, -1).flip(2).reshape(phy2log.shape)


def careless(weight, num_replicas, num_groups, num_nodes, num_gpus):
    """Return a placement that takes no time and no notice of the load."""
    nodes = 1 if num_groups % num_nodes else num_nodes
    slot, experts = torch.arange(num_replicas), weight.shape[1] // nodes
    node, place = slot // (num_replicas // nodes), slot % (num_replicas // nodes)
    return (node * experts + place % experts).repeat(len(weight), 1)


'''
"""What attacks may call, beside ``honest``, which places as the example program does."""


@dataclass(frozen=True)
class Attack:
    """A program that tries what it must not.

    Attributes:
        name: of its file.
        tries: what.
        stopped_by: layers of the sandbox and rules of the judge; each of them alone should do.
        deserves: at most which verdict, one of ``DESERTS``.
        code: without what is common to all.
        judged: how, one of ``WAYS``.
        limits: other limits than the usual ones, by name.
    """

    name: str
    tries: str
    stopped_by: tuple[str, ...]
    deserves: str
    code: str
    judged: str = ONCE
    limits: Mapping[str, Any] = field(default_factory=dict)

    def source(self, run: str, later: float = float("inf")) -> str:
        """Return the whole program.

        Args:
            run: what it may mark its traces with, hexadecimal; makes it another program.
            later: seconds from the start of a command to the first time that it takes, where an attack may know that.
        """
        parent = example_program().source.replace("def rebalance_experts(", "def honest(")
        return f"{parent}{COMMON}RUN, LATER = {run!r}, float({str(later)!r})\n\n\n{self.code}"


def parsed(name: str, text: str) -> Attack:
    """Return the attack in a file's text.

    The head is the lines ``# KEY: VALUE`` ahead of the first other line: ``tries``, ``stopped by`` (words with commas
    between) and ``deserves``; where they are not as usual, ``judged`` and ``limits`` (such as ``cpu_seconds=1``).

    Raises:
        EplbError: a line is missing, is there twice, or has no such key or value.
    """
    head: dict[str, str] = {}
    for line in text.splitlines():
        found = LINE.fullmatch(line)
        if found is None:
            break
        key, value = found.groups()
        if key not in REQUIRED + OPTIONAL:
            raise EplbError(f"attack {name}: {unknown('line', key, REQUIRED + OPTIONAL)}")
        if key in head:
            raise EplbError(f"attack {name}: the line {key!r} is there twice")
        head[key] = value
    for key in REQUIRED:
        if key not in head:
            raise EplbError(f"attack {name}: the head has no line '# {key}: ...'")
    judged = head.get("judged", ONCE)
    for what, value, allowed in (("verdict", head["deserves"], DESERTS), ("way to judge", judged, WAYS)):
        if value not in allowed:
            raise EplbError(f"attack {name}: {unknown(what, value, allowed)}")
    if "def rebalance_experts(" not in text:
        raise EplbError(f"attack {name}: it does not define rebalance_experts")
    stopped_by = tuple(word.strip() for word in head["stopped by"].split(","))
    return Attack(name, head["tries"], stopped_by, head["deserves"], text, judged, _limits(name, head.get("limits")))


def _limits(name: str, text: str | None) -> dict[str, float]:
    limits = {}
    for pair in (text or "").split():
        key, _, value = pair.partition("=")
        if key not in LIMITS:
            raise EplbError(f"attack {name}: {unknown('limit', key, list(LIMITS))}")
        try:
            limits[key] = LIMITS[key](value)
        except ValueError:
            raise EplbError(f"attack {name}: the limit {pair!r} has no number") from None
    return limits


def attacks() -> list[Attack]:
    """Return the attacks that ship, by name."""
    folder = resources.files("evaluator.bench.attacks").joinpath("programs")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(SUFFIX)), key=lambda file: file.name)
    return [parsed(file.name.removesuffix(SUFFIX), file.read_text(encoding="utf-8")) for file in files]
