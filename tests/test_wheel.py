"""The wheel works in an environment of its own, from any folder: conf/ and the recordings travel in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Build the wheel, install it into a fresh environment and return that environment's commands.

    The dependencies are those of this environment, reached by path, so that nothing is downloaded.
    """
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignore = shutil.ignore_patterns(".*", "runs", "tests", "*.egg-info", "build", "__pycache__")
    shutil.copytree(ROOT, source, ignore=ignore)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "env"
    venv.create(environment, with_pip=False)
    site = environment / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(environment), "install", "--no-deps", "--no-index", str(wheel)],
        check=True,
        capture_output=True,
    )
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return environment / "bin", wheel


def test_evaluate_runs_outside_the_checkout(installed, tmp_path):
    """The kernels are run as Python: compiling them for another folder takes half a minute and shows nothing more."""
    bin_folder, _ = installed
    small = ["measure=quality", "workload=byte_moe", "workload.max_windows=3", "topology=eight_gpus"]
    done = subprocess.run(
        [str(bin_folder / "eplb"), "evaluate", "variant=seed", *small],
        cwd=tmp_path,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "2 cells measured" in done.stdout
    where = subprocess.run(
        [str(bin_folder / "python"), "-c", "import evaluator; print(evaluator.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(bin_folder.parent) in where.stdout, "the wheel's code must have run, not the checkout's"


def test_every_configuration_file_and_recording_is_in_the_wheel(installed):
    _, wheel = installed
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for path in (ROOT / "conf").rglob("*.yaml"):
        assert f"evaluator/conf/{path.relative_to(ROOT / 'conf').as_posix()}" in names
    for path in (ROOT / "evaluator" / "workloads" / "recordings").glob("*.npz"):
        assert f"evaluator/workloads/recordings/{path.name}" in names
    for path in (ROOT / "conf" / "variant").glob("*.yaml"):
        assert f"eplb_variants/catalogue/{path.name}" in names
