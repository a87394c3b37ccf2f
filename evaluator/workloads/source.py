"""What a kind of workload is: a source of counts, made or read, step by step.

A kind is a frozen dataclass with these members, in a file of its own, and a line in ``KINDS``. Its fields are its
parameters: they become Hydra's schema and the keys of a workload's file. Nothing else asks which kind a source is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Protocol

from numpy.typing import NDArray

from eplb_variants.errors import EplbError
from evaluator.workloads.kept import Kept
from evaluator.workloads.trace import Trace

FOLDER = Path(__file__).parent
MAKES_WINDOWS = ("trace.py", "windows.py", "kept.py", "source.py")
"""Files of this room that make windows of whatever a source's steps are."""


class UnusableWorkload(EplbError):
    """A workload that is missing, cannot be read, or does not fit what it is used for."""


class Source(Protocol):
    """A kind of workload with its parameters.

    Shapes: ``L`` layers, ``E`` logical experts. Counts are tokens, whole numbers from 0.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    located_by: ClassVar[tuple[str, ...]]
    """Parameters that say where the counts are, not what they are: the same counts elsewhere are the same workload."""

    @property
    def seeded(self) -> bool:
        """Whether the counts depend on the seed."""

    @property
    def is_long(self) -> bool:
        """Whether making or reading the steps is so slow or large that they are kept in a compact form."""

    @property
    def own_name(self) -> str | None:
        """What it is called in place of its preset's name; None where the preset's name says what it is."""

    @property
    def read_as(self) -> str | None:
        """What is read, and as what, in words; None where nothing is read."""

    def identity(self, kept: Kept | None = None) -> str:
        """Return a hash of what determines the counts beside parameters and seed, without making them.

        Args:
            kept: where the hash of a file's bytes may be remembered.

        Raises:
            UnusableWorkload: there is nothing to read, or nothing that can be read.
        """

    def check(self, interval: int) -> None:
        """See that there are windows of ``interval`` steps, as far as that is known without making the counts.

        Raises:
            UnusableWorkload: there are none.
        """

    def steps(self, seed: int) -> Iterator[NDArray[Any]]:
        """Yield the steps ``[L, E]`` one by one; ``seed`` is 0 or more."""

    def make(self, seed: int) -> Trace:
        """Return all steps at once."""


def parameters(source: Source) -> Mapping[str, Any]:
    """Return the parameters that determine the counts."""
    return {name: getattr(source, name) for name in source.__dataclass_fields__ if name not in source.located_by}


@cache
def hash_of_files(*names: str) -> str:
    """Return a hash of files of this room, and of those by which windows are made."""
    whole = hashlib.sha256()
    for name in (*names, *MAKES_WINDOWS):
        whole.update(hashlib.sha256((FOLDER / name).read_bytes()).digest())
    return whole.hexdigest()
