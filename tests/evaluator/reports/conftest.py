"""A small run with awkward names, and Chromium."""

from __future__ import annotations

import os
import shutil

import pytest

from evaluator.analysis.comparison import comparison_of
from evaluator.analysis.score import Score
from evaluator.reports.data import report_data
from evaluator.reports.page import render
from evaluator.results.schema import OK
from evaluator.results.store import read_runs
from evaluator.sweep import run as sweep
from evaluator.sweep.plan import make_plan

SCORE = Score("default", "as placed", "balancedness_gpu_next", "time")
AWKWARD = "</script><script>document.title='broken'</script>"
"""A variant's name that would end the script it stands in, were it not escaped."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def report_of(frame, reference="deepseek"):
    """Return what a report of rows by window says."""
    comparison = comparison_of(frame[frame["status"] == OK], reference, SCORE)
    return report_data(comparison, frame, ["runs/default"])


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """A run of four variants on two workloads, timed, with a skipped cell."""
    folder = tmp_path_factory.mktemp("runs")
    small = ["workload.num_layers=3", "workload.windows=12", "workload.tokens=5000"]
    quick = ["timing.rounds=5", "timing.min_rounds=5", f"runs_dir={folder}"]
    variants = "variant=seed,seed_parent,contiguous"
    sweep.run(make_plan([variants, "workload=dsr1_decode,mild", *small, *quick], multirun=True))
    return sweep.run(make_plan(["variant=seed", "topology.num_groups=12", *small, *quick])).folder


@pytest.fixture(scope="session")
def frame(run_folder):
    """The rows of the run, one variant under an awkward name."""
    rows = read_runs([run_folder])
    return rows.assign(variant=rows["variant"].replace("seed", AWKWARD))


@pytest.fixture(scope="session")
def data(frame):
    """What the report of it says."""
    return report_of(frame)


@pytest.fixture(scope="session")
def html(data):
    """The page."""
    return render(data)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """The system's Chromium under Playwright, with a profile of its own; skipped where there is none."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None:
        pytest.skip("there is no Chromium: apt-get install chromium, or name it in CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=found,
            args=list(FLAGS),
            viewport={"width": 1280, "height": 900},
        )
        yield context
        context.close()


@pytest.fixture
def page(chromium, html, tmp_path):
    """The report, open; whatever the console said, went wrong or was asked for from elsewhere fails the test."""
    file = tmp_path / "report.html"
    file.write_text(html, encoding="utf-8")
    said, asked = [], []
    page = chromium.new_page()
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.emulate_media(color_scheme="light", media="screen")
    page.goto(file.as_uri())
    yield page
    page.close()
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
