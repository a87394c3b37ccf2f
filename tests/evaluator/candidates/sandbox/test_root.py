"""A root of its own, alone: what lies outside is not there, what lies inside cannot be changed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy
import pytest

import evaluator

LAYER = ["own root"]


@pytest.mark.parametrize(
    "look",
    ["os.stat({path!r})", "open({path!r})", "os.listdir({folder!r})", "os.access({path!r}, 0) or os.stat({path!r})"],
)
def test_a_path_outside_is_not_there(behind, secret, look):
    """Neither its content nor its attributes: when a file was changed could be a message."""
    code = f"import os\n{look.format(path=str(secret), folder=str(secret.parent))}"
    assert behind([], code) == "done"
    assert behind(LAYER, code) == "ENOENT"


@pytest.mark.parametrize(
    "path",
    ["/proc", "/proc/self/stat", "/sys", "/etc/passwd", "/etc/hostname", "/var", "/root/.bashrc", "/dev/shm"],
)
def test_the_machine_is_not_there(behind, path):
    assert behind(LAYER, f"import os\nos.stat({path!r})") == "ENOENT"


def test_this_project_is_not_there(behind):
    """Neither its code nor its recordings nor what installing it wrote, wherever they lie."""
    project, packages = Path(evaluator.__file__).parent, Path(numpy.__file__).parents[1]
    installed = [*packages.glob("eplb*"), *packages.glob("__editable__*eplb*")]
    code = f"""
import os
assert not os.path.isdir({str(project)!r}) or not os.listdir({str(project)!r})
for path in {[str(path) for path in installed]!r}:
    assert not (os.listdir(path) if os.path.isdir(path) else os.path.getsize(path)), path
"""
    assert behind(LAYER, code) == "done"
    assert behind([], code) == "AssertionError"


@pytest.mark.parametrize(
    "change",
    [
        "open({path!r}, 'a')",
        "os.chmod({path!r}, 0o777)",
        "os.chown({path!r}, os.getuid(), os.getgid())",
        "os.utime({path!r}, (2, 2))",
        "os.setxattr({path!r}, 'user.k', b'a window')",
        "os.truncate({path!r}, 0)",
        "os.unlink({path!r})",
        "os.mkdir({folder!r} + '/more')",
        "os.mkdir('/more')",
    ],
)
def test_nothing_that_is_there_can_be_changed(behind, change):
    """What a process could write where a later one can read it would be a way to the windows before."""
    path = Path(numpy.__file__)
    code = f"import os\n{change.format(path=str(path), folder=str(path.parent))}"
    assert behind(LAYER, code) in ("EROFS", "EACCES", "EPERM")


def test_the_scratch_folder_is_small_and_gone_afterwards(behind, scratch):
    assert behind(LAYER, "open('note', 'w').write('x')\nassert open('note').read() == 'x'") == "done"
    assert behind(LAYER, "for i in range(2):\n    open(f'{i}', 'wb').write(bytes(1 << 20))") == "ENOSPC"
    assert behind(LAYER, "for i in range(1000):\n    open(f'{i}', 'w')") == "ENOSPC"
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    "code",
    [
        "import json, decimal, wave, tempfile\ntempfile.TemporaryFile().write(b'x')",
        "import numpy",
        f"open({sys.executable!r}, 'rb').read(1)",
        "open('/dev/null', 'w').write('x')",
        "open('/dev/urandom', 'rb').read(1)",
        "import ctypes.util, ctypes\nctypes.CDLL('libm.so.6')",
    ],
)
def test_the_interpreter_and_its_packages_can_be_used(behind, code):
    assert behind(LAYER, code) == "done"


def test_the_mounts_of_others_stay_as_they_are(behind, scratch):
    before = os.listdir("/")
    assert behind(LAYER, "pass") == "done"
    assert os.listdir("/") == before
    assert not os.path.ismount(scratch)
