"""Landlock, alone: all files but the interpreter's, the network and other processes are closed."""

from __future__ import annotations

import os
import socket
import sys

import pytest

LAYER = ["landlock"]


@pytest.mark.parametrize(
    "read",
    [
        "open({path!r}).read()",
        "os.open({path!r}, os.O_RDONLY)",
        "os.listdir({folder!r})",
        "os.symlink({path!r}, 'here'); open('here').read()",
    ],
)
def test_a_file_outside_cannot_be_read(behind, secret, read):
    code = f"import os\n{read.format(path=str(secret), folder=str(secret.parent))}"
    assert behind([], code) == "done", "it can be read by who is not confined"
    (secret.parent / "scratch" / "here").unlink(missing_ok=True)
    assert behind(LAYER, code) == "EACCES"


@pytest.mark.parametrize(
    "change",
    [
        "open({path!r}, 'a')",
        "os.truncate({path!r}, 0)",
        "os.link({path!r}, 'here')",
        "os.rename({path!r}, 'here')",
        "os.unlink({path!r})",
        "open({folder!r} + '/more', 'w')",
        "os.mkdir({folder!r} + '/more')",
        "os.mkfifo({folder!r} + '/more')",
        "os.symlink('x', {folder!r} + '/more')",
        "os.rmdir({folder!r} + '/empty')",
    ],
)
def test_nothing_outside_can_be_changed(behind, secret, change):
    (secret.parent / "empty").mkdir()
    code = f"import os\n{change.format(path=str(secret), folder=str(secret.parent))}"
    assert behind(LAYER, code) in ("EACCES", "EXDEV")
    assert secret.read_bytes() == b"secret loads"
    assert {path.name for path in secret.parent.iterdir()} == {"empty", "scratch", "workload.npz"}
    assert behind([], code) == "done", "it can be changed by who is not confined"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/proc/self/environ", "/proc/self/status", "/proc/self/mem", "/proc/1/environ", "/"]
)
def test_the_machine_cannot_be_looked_at(behind, path):
    assert behind(LAYER, f"import os\nos.open({path!r}, os.O_RDONLY)") == "EACCES"


@pytest.mark.parametrize(
    "code",
    [
        "import os\nopen('note', 'w').write('x')\nassert open('note').read() == 'x'\nos.listdir()\nos.unlink('note')",
        f"open({sys.executable!r}, 'rb').read(1)",
        "import json, decimal, wave",
        "open('/dev/null', 'w').write('x')",
        "open('/dev/urandom', 'rb').read(1)",
    ],
)
def test_the_interpreter_and_the_scratch_folder_can_be_used(behind, code):
    assert behind(LAYER, code) == "done"


def test_no_port_can_be_reached_or_opened(behind):
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect = f"import socket\nsocket.create_connection(('127.0.0.1', {server.getsockname()[1]}), timeout=60)"
        assert behind([], connect) == "done"
        assert behind(LAYER, connect) == "EACCES"
    assert behind(LAYER, "import socket\nsocket.create_server(('127.0.0.1', 0))") == "EACCES"


def test_no_other_process_can_be_signalled(behind):
    """Signal 0 asks only whether it could be."""
    code = f"import os\nos.kill({os.getpid()}, 0)"
    assert behind([], code) == "done"
    assert behind(LAYER, code) == "EPERM"
