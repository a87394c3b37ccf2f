"""What several tests share."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from evaluator.timing import alone

SMALL = ["workload.num_layers=3", "workload.windows=6", "workload.tokens=5000"]
"""Overrides that make a synthetic workload small enough for a test."""
LONGEST = 600
"""Seconds that no command takes, on however busy a machine."""
QUICK = ["timing.rounds=3", "timing.min_rounds=3"]

# no example fails for the time that it takes; `make test` tries the same ones each time, see CONTRIBUTING.md
settings.register_profile("any", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("any"), derandomize=True, database=None)
settings.load_profile("any")


@pytest.fixture
def small():
    """Return the overrides of a small workload on which little is timed."""
    return [*SMALL, *QUICK]


@pytest.fixture(autouse=True)
def own_timing_lock(tmp_path_factory, monkeypatch):
    """Tests that run beside each other do not wait for each other's timing passes."""
    monkeypatch.setattr(alone, "LOCK", str(tmp_path_factory.mktemp("lock") / "lock"))


@pytest.fixture
def extra():
    """Return a function from the path of a file in the folder that ``EPLB_LAB_EXTRA_DATA`` names; skips without it."""

    def of(name):
        folder = os.environ.get("EPLB_LAB_EXTRA_DATA")
        if not folder or not (Path(folder) / name).exists():
            pytest.skip(f"EPLB_LAB_EXTRA_DATA does not name a folder with {name}")
        return Path(folder) / name

    return of


@pytest.fixture(scope="session")
def zygote():
    """Return a function that runs a command line in a fork of a process that has imported everything."""
    command = [sys.executable, "-P", str(Path(__file__).with_name("zygote.py"))]  # -P: this folder holds no packages
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def run(**request):
            process.stdin.write(f"{json.dumps(request)}\n")
            process.stdin.flush()
            if not select.select([process.stdout], [], [], LONGEST)[0]:
                process.kill()
                raise TimeoutError(f"{request['arguments']} took longer than {LONGEST} s")
            return int(process.stdout.readline())

        yield run
        process.stdin.close()


@pytest.fixture(scope="session")
def eplb_in(tmp_path_factory, zygote):
    """Return a function that returns one that runs the command in a folder, as a user would.

    It runs in a fork of a process that has imported everything.
    """

    def of(folder):
        return partial(_eplb, folder, tmp_path_factory, zygote)

    return of


@pytest.fixture
def eplb(eplb_in, tmp_path):
    """Return ``eplb_in`` an empty folder."""
    return eplb_in(tmp_path)


def _eplb(folder, tmp_path_factory, zygote, *arguments, check=None):
    said = tmp_path_factory.mktemp("said")
    files = {name: said / name for name in ("stdout", "stderr")}
    for file in files.values():
        file.touch()
    names = {name: str(file) for name, file in files.items()}
    code = zygote(arguments=arguments, cwd=str(folder), lock=alone.LOCK, **names)
    texts = {name: file.read_text(encoding="utf-8") for name, file in files.items()}
    done = subprocess.CompletedProcess(["eplb", *arguments], code, **texts)
    assert "Traceback" not in done.stderr, done.stderr
    if check is not None:
        assert done.returncode == check, done.stdout + done.stderr
    return done
