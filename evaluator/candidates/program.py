"""A program: Python source with ``rebalance_experts`` in the DeepSeek API."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path

from eplb_variants import EplbError


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
    """Return the program in a file; EplbError where there is none, or it is not UTF-8."""
    path = Path(path)
    try:
        return Program(path.stem, path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise EplbError(f"the program {str(path)!r} cannot be read: {error.strerror}") from None
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
