"""The results of the shipped variants on a shipped suite, which ship too: a new result has a place at once.

An archive is a run folder of one file. It lacks what only heat maps show.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pandas as pd

from eplb_variants.errors import EplbError
from evaluator.results.schema import ARROW, OK, SKIPPED, complete, to_table
from evaluator.results.store import read_runs, write_parquet

ARCHIVE = Path(str(resources.files("evaluator.results").joinpath("archive")))
HEAVY = ("gpu_load", "gpu_load_contiguous")
"""Columns that an archive lacks."""
SAME_LOAD = ["workload_content", "topology", "seed", "part"]
"""Columns by which a cell of an archive is of the same load as one of a run."""


def beside_archive(frame: pd.DataFrame, archive: Path = ARCHIVE) -> pd.DataFrame:
    """Return the rows of runs with those of an archive on the same loads, of variants that the runs lack.

    Args:
        frame: rows, as ``read_runs`` returns them.
        archive: a folder.

    Raises:
        EplbError: the archive has no result on any load of the runs.
    """
    more = read_runs([archive])
    loads = frame[SAME_LOAD].drop_duplicates()
    more = more.merge(loads, on=SAME_LOAD)
    if more.empty:
        known = ", ".join(sorted(path.stem for path in archive.glob("*.parquet")))
        raise EplbError(f"the archive has nothing on these loads: it is of suite={known}, and so must a run be")
    more = more[~more["variant"].isin(frame["variant"].unique())]
    return pd.concat([frame, more[[name for name in frame.columns if name in more]]], ignore_index=True)


def write_archive(run: str | Path, file: Path) -> int:
    """Write what was measured in a run as one file of an archive, and return the number of its variants.

    Raises:
        EplbError: a cell failed, not all are of one suite, or the file cannot be written.
    """
    frame = read_runs([run])
    frame = frame[frame["status"] != SKIPPED]  # a package that is not installed
    bad = frame[frame["status"] != OK]
    if not bad.empty:
        raise EplbError(f"{bad.iloc[0]['variant']} is {bad.iloc[0]['status']}: {bad.iloc[0]['reason']}")
    if frame["suite"].isna().any() or frame["suite"].nunique() != 1:
        raise EplbError(f"{str(run)!r} is not of one suite")
    order = ["variant", "part", "workload", "topology", "seed", "window"]
    frame = frame.drop(columns=["run", *HEAVY]).sort_values(order)
    values = frame.astype(object).where(frame.notna(), None).to_dict("records")
    table = complete(to_table([{str(name): value for name, value in row.items()} for row in values], ARROW), ARROW)
    write_parquet(table, file, compression="zstd", compression_level=19)
    return int(frame["variant"].nunique())
