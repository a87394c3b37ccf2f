"""Who is told of the steps of long work: a bar with the time left, on a terminal; nobody elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import TaskID


class Progress(Protocol):
    """Told of each step."""

    def start(self, what: str, total: int) -> None:
        """Begin a pass of ``total`` steps."""

    def step(self, doing: str) -> None:
        """Say that a step is done, and which."""

    def say(self, sentence: str) -> None:
        """Say what a reader should know before the work goes on."""


class Silent:
    """No progress."""

    def start(self, what: str, total: int) -> None:
        """Do nothing."""

    def step(self, doing: str) -> None:
        """Do nothing."""

    def say(self, sentence: str) -> None:
        """Do nothing."""


class Bar:
    """A bar on stderr while it is open, where stderr is a terminal; sentences are printed there in any case."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[doing]}", markup=False),
        )
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task: TaskID | None = None

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def start(self, what: str, total: int) -> None:
        """Begin a pass of ``total`` cells."""
        self._task = self._progress.add_task(what, total=total, doing="", visible=total > 0)

    def step(self, doing: str) -> None:
        """Say that a cell is done, and which."""
        if self._task is not None:
            self._progress.update(self._task, advance=1, doing=doing)

    def say(self, sentence: str) -> None:
        """Print a sentence above the bar."""
        self._progress.console.print(f"eplb: {sentence}", markup=False, highlight=False, soft_wrap=True)
