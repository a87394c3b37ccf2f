"""``eplb report`` as a user runs it."""

from __future__ import annotations

import pytest

SMALL = ["workload.num_layers=3", "workload.windows=7", "workload.tokens=5000", "measure=quality"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("measured")


@pytest.fixture(scope="module")
def measured(eplb_in, folder):
    """A run of two variants without deepseek."""
    eplb = eplb_in(folder)
    eplb("evaluate", "-m", "variant=seed,contiguous", "reference=seed", *SMALL, check=0)
    return eplb


def test_a_page_is_written(measured, folder):
    done = measured("report", "runs/default", check=0)
    assert done.stdout == "report: runs/default/_report.html\n"
    assert done.stderr == ""
    first = (folder / "runs" / "default" / "_report.html").read_bytes()
    assert b"--reference=contiguous" in first, "deepseek was not measured, nothing was timed: the first by name"
    measured("report", "runs/default", "-o", "again.html", check=0)
    assert (folder / "again.html").read_bytes() == first


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["runs/default", "--reference", "sed"], "there is no measured variant 'sed': did you mean 'seed'"),
        (["runs/default", "--score", "defalt"], "did you mean 'default'"),
        (["runs/defalt"], "did you mean 'default'"),
        (["runs/default", "-o", "runs"], "the report cannot be written to 'runs'"),
        (["runs/default", "-o", "/proc/report.html"], "the report cannot be written to '/proc/report.html'"),
    ],
)
def test_a_mistake_is_a_sentence_and_exit_code_2(measured, arguments, says):
    done = measured("report", *arguments, check=2)
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
