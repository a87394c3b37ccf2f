"""``eplb suite``: what is in a suite, whether its loads are what they must be, and how to freeze one."""

from __future__ import annotations

import pytest
import yaml

CHOOSE = "workload=mild workload.num_layers=2 workload.windows=3 topology=adrs"


@pytest.fixture
def suite(tmp_path):
    """Return a function that writes a suite with these loads."""
    (tmp_path / "mine" / "suite").mkdir(parents=True)

    def write(loads):
        said = {"name": "small", "training": {"mild": {"choose": CHOOSE, "seeds": [1, 2], "loads": loads}}}
        (tmp_path / "mine" / "suite" / "small.yaml").write_text(yaml.safe_dump(said))

    return write


@pytest.mark.long
def test_a_suite_is_frozen_and_then_held_to_its_loads(eplb, suite):
    suite([])
    shown = eplb("suite", "small", "--config-dir", "mine", check=0).stdout
    assert "3 x 2 x 256" in shown
    assert "not frozen" in shown
    printed = eplb("suite", "small", "--config-dir", "mine", "--freeze", check=0).stdout
    loads = yaml.safe_load(printed)["loads"]
    assert len(loads) == 2
    suite(loads)
    assert "as frozen" in eplb("suite", "small", "--config-dir", "mine", check=0).stdout
    suite([loads[0], loads[0]])
    done = eplb("suite", "small", "--config-dir", "mine", check=1)
    assert "others" in done.stdout
    assert done.stderr.strip() == "eplb: training, mild, seed 2: another load than the suite was frozen with"
