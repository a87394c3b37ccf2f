"""Where compiled kernels are kept: wherever one may write, anew for changed sources, and not where others may write."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import eplb_variants
from eplb_variants.kernels import compiled

PACKAGE = Path(eplb_variants.__file__).parent
PLACE = """
import sys
sys.path.insert(0, {site!r})
import eplb_variants
from eplb_variants.kernels import compiled, tree
assert eplb_variants.__file__.startswith({site!r}), eplb_variants.__file__
number, key, winner = tree.new_tree(3)
number[4:7] = 3.0, 1.0, 2.0
tree.build(key, winner)
assert winner[1] == 1
print(compiled.cache_folder(), sum(tree.build.stats.cache_hits.values()))
"""


@pytest.fixture
def site(tmp_path):
    """Return a copy of the package as an installation would hold it, kernels not yet compiled."""
    folder = tmp_path / "site"
    shutil.copytree(PACKAGE, folder / "eplb_variants", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def build_a_tree(site, **environment):
    """Return the folder that a fresh process keeps its kernels in, and how many of one kernel it found there."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", PLACE.format(site=str(site))],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], **environment},
    )
    assert done.returncode == 0, done.stderr
    folder, kept = done.stdout.split()
    return folder, int(kept)


@pytest.mark.long
def test_beside_the_sources_and_found_again(site):
    folder, kept = build_a_tree(site)
    assert folder.startswith(str(site / "eplb_variants" / "kernels" / "__pycache__"))
    assert kept == 0
    assert build_a_tree(site) == (folder, 1)


@pytest.mark.long
def test_a_change_in_any_kernel_compiles_all_of_them_anew(site):
    """Numba alone looks at the file of a kernel, and would not see a change in what it calls."""
    first, _ = build_a_tree(site)
    with (site / "eplb_variants" / "kernels" / "refine.py").open("a") as file:
        file.write("# a change\n")
    second, kept = build_a_tree(site)
    assert second != first
    assert kept == 0


def test_in_the_home_where_the_sources_are_read_only(site, tmp_path):
    (site / "eplb_variants" / "kernels" / "__pycache__").write_text("a file, so that no folder can be made here")
    home = tmp_path / "home"
    folder, kept = build_a_tree(site, HOME=str(home))
    assert folder.startswith(str(home / ".cache" / "eplb-lab"))
    assert kept == 0
    assert build_a_tree(site, HOME=str(home)) == (folder, 1)


def test_in_a_private_temporary_folder_where_there_is_no_home(site, tmp_path):
    (site / "eplb_variants" / "kernels" / "__pycache__").write_text("a file")
    folder, _ = build_a_tree(site, HOME="/dev/null/nobody", TMPDIR=str(tmp_path))
    assert folder.startswith(str(tmp_path / f"eplb-lab-{os.getuid()}"))
    assert Path(folder).stat().st_mode & 0o022 == 0, "nobody else may write there"


def test_where_the_user_says(site, tmp_path):
    folder, _ = build_a_tree(site, NUMBA_CACHE_DIR=str(tmp_path / "mine"))
    assert folder.startswith(str(tmp_path / "mine"))


@pytest.fixture
def places(monkeypatch):
    """Return a function that says which folders there are, and forgets what was found before."""

    def only(*folders):
        monkeypatch.setattr(compiled, "_places", lambda: iter(folders))
        compiled.cache_folder.cache_clear()

    yield only
    compiled.cache_folder.cache_clear()


def test_nowhere_is_no_error(places):
    places(Path("/dev/null/nowhere"))
    assert compiled.cache_folder() is None
    double = compiled.kernel("int64(int64)")(lambda number: 2 * number)
    assert double(21) == 42
    assert list(compiled.stale_folders()) == []


def test_a_folder_that_others_may_write_to_is_not_used(places, tmp_path):
    open_to_all, own = tmp_path / "open", tmp_path / "own"
    for folder in (open_to_all, own):
        folder.mkdir()
    open_to_all.chmod(0o777)
    places(open_to_all, own)
    assert compiled.cache_folder().parent == own


def test_kernels_beside_read_only_sources_are_copied(places, tmp_path, monkeypatch):
    """An image whose kernels were compiled when it was built does not compile them again for another user."""
    name = f"eplb-kernels-{compiled.source_hash()}"
    beside = tmp_path / "site" / "__pycache__" / name
    beside.mkdir(parents=True)
    (beside / "kernel.nbi").write_text("compiled")
    monkeypatch.setattr(compiled, "_HERE", tmp_path / "site")
    places(tmp_path / "cache")
    (tmp_path / "cache").mkdir()
    folder = compiled.cache_folder()
    assert folder == tmp_path / "cache" / name
    assert (folder / "kernel.nbi").read_text() == "compiled"


def test_kernels_that_may_not_be_read_are_compiled_anew(places, tmp_path, monkeypatch):
    def forbidden(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "site" / "__pycache__" / f"eplb-kernels-{compiled.source_hash()}").mkdir(parents=True)
    monkeypatch.setattr(compiled, "_HERE", tmp_path / "site")
    monkeypatch.setattr(compiled.shutil, "copytree", forbidden)
    (tmp_path / "cache").mkdir()
    places(tmp_path / "cache")
    assert compiled.cache_folder().parent == tmp_path / "cache"


def test_folders_of_earlier_sources_are_known(places, tmp_path):
    old = tmp_path / "eplb-kernels-0123"
    old.mkdir()
    places(tmp_path)
    assert compiled.cache_folder() is not None
    assert list(compiled.stale_folders()) == [old]
