"""What other processes finish, told to whoever watches: their files in the run folder are new, or newer than before."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event, Thread
from typing import Any

from evaluator.progress import Progress
from evaluator.results.store import Store

EVERY_SECONDS = 1.0
"""How often it looks."""


class Watching:
    """Tells of results while it is open; a context manager.

    Args:
        store: where they are written.
        names: what each is called, by its key.
        progress: who is told.
    """

    def __init__(self, store: Store, names: Mapping[str, str], progress: Progress) -> None:
        self._store, self._progress, self._over = store, progress, Event()
        self._left = {key: (name, self._changed(key)) for key, name in names.items()}
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: Any) -> None:
        self._over.set()
        self._thread.join()

    def _changed(self, key: str) -> int:
        try:
            return self._store.path(key).stat().st_mtime_ns
        except OSError:
            return 0

    def _watch(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            for key, (name, before) in list(self._left.items()):
                if self._changed(key) != before:
                    del self._left[key]
                    self._progress.step(name)
