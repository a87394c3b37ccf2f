"""A program: Python source with ``rebalance_experts`` in the DeepSeek API."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path

from eplb_variants import EplbError
from evaluator.candidates.documents.files import read_regular
from evaluator.candidates.documents.text import shown_name


@dataclass(frozen=True)
class Program:
    """A program and what it is called; only its source says what it is."""

    name: str
    source: str

    @cached_property
    def key(self) -> str:
        """Return a hash of the source: 20 hexadecimal digits."""
        return hashlib.sha256(self.source.encode()).hexdigest()[:20]


def read_program(path: str | Path) -> Program:
    """Return the program in a regular file; EplbError where there is none, it is too long or not UTF-8."""
    path = Path(path)
    try:
        return Program(shown_name(path.stem), read_regular(path).decode("utf-8"))
    except EplbError as error:
        raise EplbError(f"the program {str(path)!r} cannot be read: {error}") from None
    except UnicodeDecodeError as error:
        raise EplbError(f"the program {str(path)!r} is not UTF-8 at byte {error.start}") from None


def example_candidates() -> list[Path]:
    """Return the files of ``examples/candidates``, sorted."""
    folder = Path(str(resources.files("evaluator.examples").joinpath("candidates")))
    return sorted(path for path in folder.iterdir() if path.suffix in (".txt", ".py") and not path.name.startswith("_"))


def example_program() -> Program:
    """Return the program that candidates change where no other is named: ``examples/programs/balancer.py``."""
    example = resources.files("evaluator.examples").joinpath("programs", "balancer.py")
    return Program("balancer", example.read_text(encoding="utf-8"))
