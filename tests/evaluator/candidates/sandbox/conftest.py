"""Calls that are tried behind layers of confinement, and a sandbox to fork programs from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evaluator.candidates.sandbox.limits import Limits
from evaluator.candidates.sandbox.pool import Sandbox

from ..conftest import FAR
from .attempts import MISSING


@pytest.fixture(scope="session")
def attempts():
    """Return a function that sends a request to the process that tries calls."""
    command = [sys.executable, "-P", str(Path(__file__).with_name("attempts.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def ask(**request):
            process.stdin.write(f"{json.dumps(request)}\n")
            process.stdin.flush()
            return process.stdout.readline().rstrip("\n")

        yield ask
        process.stdin.close()


@pytest.fixture
def scratch(tmp_path):
    """Return the folder that a confined process may write to."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def behind(attempts, scratch):
    """Return a function that tries a call behind layers and returns ``done`` or the name of what stopped it."""

    def attempt(layers, code):
        said = attempts(layers=layers, code=code, scratch=str(scratch))
        if said == MISSING:
            pytest.skip(f"this kernel does not give user {os.getuid()} {' and '.join(layers)}")
        return said

    return attempt


@pytest.fixture
def secret(tmp_path):
    """Return a file that everybody may read and write, outside the scratch folder."""
    path = tmp_path / "workload.npz"
    path.write_bytes(b"secret loads")
    path.chmod(0o666)
    os.utime(path, (1, 1))
    return path


@pytest.fixture(scope="session")
def sandbox():
    """Return a sandbox whose limits of wall time are far away; its zygote is started once."""
    limits = Limits(wall_seconds=FAR, total_seconds=FAR, cpu_seconds=10, memory_mib=300, file_mib=2)
    with Sandbox(limits=limits) as sandbox:
        yield sandbox
