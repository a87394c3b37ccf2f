"""What programs are judged by must lie where they cannot read it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from eplb_variants.errors import EplbError
from evaluator.candidates.sandbox.visible import readable
from evaluator.candidates.settings import Settings
from evaluator.results.store import Store


def check_secrecy(settings: Settings, store: Store) -> None:
    """Refuse a run folder or a workload's file among what candidates may read; EplbError says which and where to.

    Without isolation programs can read everything, and nothing is refused.
    """
    if settings.isolation == "none":
        return
    for what, path in _secrets(settings, store):
        if readable(path):
            raise EplbError(
                f"{what} {os.fspath(path)!r} lies among the packages and libraries that candidates can read: "
                "move it elsewhere, or use --isolation none for programs that you trust"
            )


def _secrets(settings: Settings, store: Store) -> Iterator[tuple[str, str | os.PathLike[str]]]:
    yield "the run folder", store.folder
    for strata in settings.parts.values():
        for stratum in strata:
            workload = stratum.workload
            yield from (("the workload", workload.config[key]) for key in workload.source.located_by)
            if workload.kept is not None:
                yield "the folder of kept traces", workload.kept.folder
