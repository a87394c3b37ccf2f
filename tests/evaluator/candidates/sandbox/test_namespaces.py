"""Namespaces, alone: everything that is mounted is read-only, and the scratch folder is a small one in memory."""

from __future__ import annotations

import os

import pytest

LAYER = ["namespaces"]


@pytest.mark.parametrize(
    "change",
    [
        "open({path!r}, 'a')",
        "os.chmod({path!r}, 0o777)",
        "os.chmod({folder!r}, 0o777)",
        "os.chown({path!r}, os.getuid(), os.getgid())",
        "os.utime({path!r}, (2, 2))",
        "os.setxattr({path!r}, 'user.k', b'a window')",
        "os.truncate({path!r}, 0)",
        "os.unlink({path!r})",
        "os.rename({path!r}, {path!r} + '2')",
        "os.mkdir({folder!r} + '/more')",
    ],
)
def test_nothing_that_is_mounted_can_be_changed(behind, secret, change):
    """What a process could write where a later one can read it would be a way to the windows before."""
    before = os.stat(secret), os.stat(secret.parent).st_mode
    assert behind(LAYER, f"import os\n{change.format(path=str(secret), folder=str(secret.parent))}") == "EROFS"
    assert (os.stat(secret), os.stat(secret.parent).st_mode) == before


def test_the_scratch_folder_is_small_and_gone_afterwards(behind, scratch):
    assert behind(LAYER, "open('note', 'w').write('x')\nassert open('note').read() == 'x'") == "done"
    assert behind(LAYER, "for i in range(2):\n    open(f'{i}', 'wb').write(bytes(1 << 20))") == "ENOSPC"
    assert behind(LAYER, "for i in range(1000):\n    open(f'{i}', 'w')") == "ENOSPC"
    assert list(scratch.iterdir()) == []


def test_the_user_stays_who_it_is(behind):
    assert behind(LAYER, f"import os\nassert (os.getuid(), os.getgid()) == {os.getuid(), os.getgid()}") == "done"
