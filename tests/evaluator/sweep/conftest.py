"""Guests: stages that misbehave, installed for commands of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from evaluator.results.log import log_path

LIMITS = ["place_seconds_limit=1", "memory_mib_limit=256"]
"""Far above what a good stage needs here, which is milliseconds and a few MiB."""
TOO_LONG = "took longer than place_seconds_limit (1 s)"
CRASHES = {
    "exits": "SystemExit: 3",
    "interrupts": "KeyboardInterrupt",
    "own_exception": "_Guest: of its own kind",
    "unspeakable": "_Unspeakable",
    "leaves": "ended its process with code 0",
    "aborts": "ended by SIGABRT",
    "segfaults": "ended by SIGSEGV",
    "kills_itself": "ended by SIGKILL, most likely for want of memory",
    "loops": TOO_LONG,
    "sleeps": TOO_LONG,
    "loops_in_c": TOO_LONG,
    "loops_without_the_lock": TOO_LONG,
    "takes_all_memory": "out of memory",
    "cannot_be_encoded": r"ValueError: \ud800 \x1b[2J",
    "explains_without_end": TOO_LONG,
    "limits_files": "its process broke: ",
    "replaces_numpy": "RuntimeError: of a guest",
    "answers": "its process sent an answer that cannot be read",
    "closes_descriptors": "closed the descriptors of its process",
}
"""Tricks that cost their own cell, and the reason that is given."""
HARMLESS = (
    "none",
    "prints",
    "changes_folder",
    "changes_signals",
    "changes_streams",
    "changes_environment",
    "forks",
    *("leaves_threads", "leaves_a_session_behind", "breaks_streams"),
)
"""Tricks that cost nothing, for what they change is put back."""
OF_EACH_KIND = ("exits", "segfaults", "sleeps", "takes_all_memory", "answers", "none", "forks", "leaves_threads")
"""Some tricks, each of which meets another part of what guards a sweep."""
VARIANT = """\
defaults:
  - /stage/forecaster@forecaster: last
  - /stage/packer@group_packer: greedy
  - /stage/replicator@replicator: dhondt
  - /stage/fixup@fixup: none
  - /stage/packer@gpu_packer: guest
  - _self_
name: guest
summary: a guest that misbehaves
policy: auto
implementation: kernel
threads: 1
"""


class Guests:
    """A folder with a package of guests, the variant that uses it, and the runs of commands that do."""

    tricks, of_each_kind, crashes = (*CRASHES, *HARMLESS), OF_EACH_KIND, CRASHES

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs = folder, folder / "runs"
        site, variants = folder / "site", folder / "conf" / "variant"
        metadata = site / "guests-1.0.dist-info"
        for path in (metadata, variants):
            path.mkdir(parents=True)
        shutil.copy(Path(__file__).with_name("guests.py"), site)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: guests\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[eplb_variants.stages]\nguests = guests\n")
        (variants / "guest.yaml").write_text(VARIANT)
        self.mark = f"left behind in {folder}"
        self.environment = {**os.environ, "PYTHONPATH": str(site), "GUESTS_MARK": self.mark}

    def command(self, tricks, *more: str) -> list[str]:
        """Return the command that lets guests play tricks, in both implementations, beside a reference."""
        return [
            *(sys.executable, "-m", "evaluator.cli.main", "evaluate", "-m", "--config-dir", str(self.folder / "conf")),
            *("variant=guest", "reference=contiguous", f"variant.gpu_packer.trick={','.join(tricks)}"),
            *("variant.implementation=kernel,reference", "workload=quick", "measure=quality"),
            *("workload.num_layers=2", "workload.windows=4", "workload.tokens=3000", f"runs_dir={self.runs}"),
            *(*LIMITS, *more),
        ]

    def evaluate(self, tricks, *more: str, environment=None) -> subprocess.CompletedProcess[str]:
        """Run that command."""
        return subprocess.run(
            self.command(tricks, *more),
            env={**self.environment, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
        )

    def check(self, done: subprocess.CompletedProcess[str], run: str, tricks) -> None:
        """Each bad trick cost its own cells and says why, here and in a log; the harmless ones cost nothing."""
        assert done.returncode == 3, done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        rows = self.rows(run)
        assert sorted(rows["trick"]) == sorted(2 * tricks)
        for row in rows.to_dict("records"):
            log = log_path(self.runs / run, row["cell"]).read_text(errors="replace")
            if row["trick"] in HARMLESS:
                assert row["status"] == "ok", row
                assert "ok after" in log
            else:
                assert row["status"] == "failed", row
                assert row["reason"].startswith(CRASHES[row["trick"]]), row
                assert f"failed: {row['variant']} on" in done.stderr
                assert row["reason"] in log
        assert not list((self.runs / run).glob(".*.tmp")), "nothing is left half written"
        assert not self.strays(), "what they started ended with them"

    def strays(self) -> list[Path]:
        """Return the processes that guests left behind."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if self.mark in path.read_text(errors="replace"):
                    found.append(path)
        return found

    def rows(self, run: str) -> pd.DataFrame:
        """Return the first row of each cell of a run, with the columns ``trick`` and ``implementation``."""
        frame = pd.read_parquet(self.runs / run).drop_duplicates("cell")
        frame = frame[frame["variant"] != "contiguous"]
        return frame.assign(
            trick=frame["variant"].str.extract(r"trick=(\w+)")[0].fillna("none"),
            implementation=frame["variant"].str.extract(r"implementation=(\w+)")[0].fillna("kernel"),
        )


@pytest.fixture(scope="module")
def guests(tmp_path_factory):
    """Return guests installed in a folder of their own."""
    return Guests(tmp_path_factory.mktemp("guests"))
