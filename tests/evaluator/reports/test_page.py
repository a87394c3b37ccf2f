from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from eplb_variants import EplbError
from evaluator.analysis import statistics
from evaluator.reports import page
from evaluator.results.schema import ARROW
from evaluator.shown.style import colour_of

from .conftest import AWKWARD, report_of

VOID = {"meta", "link", "input", "img", "br"}


class Outline(HTMLParser):
    """Collects what the tests ask for, and sees that every element is closed in its turn."""

    def __init__(self):
        super().__init__()
        self.open, self.scripts, self.ids, self.fors, self.headings, self.texts = [], [], [], [], [], []

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        if tag == "script":
            self.scripts.append(known)
        if "id" in known:
            self.ids.append(known["id"])
        self.fors += [known[name] for name in ("for", "aria-labelledby", "data-of") if name in known]
        if tag in ("h1", "h2", "h3", "h4"):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        if tag not in ("p", "li", "tr", "td", "th") or self.open[-1] == tag:
            assert self.open.pop() == tag

    def handle_data(self, text):
        self.texts.append(text)


@pytest.fixture(scope="module")
def outline(html):
    outline = Outline()
    outline.feed(html)
    outline.close()
    return outline


def test_names_are_text_wherever_they_stand(html, outline):
    assert AWKWARD not in html
    assert len(outline.scripts) == 2, "the data and ours, and none that came with a name"
    assert AWKWARD in outline.texts
    assert outline.open == []


def test_the_data_in_the_page_are_those_of_the_report(html, data):
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert not set("<>&\u2028\u2029") & set(text)
    found = json.loads(text)
    assert found["panels"][0]["rows"] == json.loads(json.dumps(data["panels"][0]["rows"]))
    assert "png" not in found["panels"][1]["heat"]["maps"][0]


def test_json_in_a_script_cannot_end_it():
    value = {"</script>": "<!-- & \u2028 \u2029"}
    assert not set("<>&\u2028\u2029") & set(page.embedded(value))
    assert json.loads(page.embedded(value)) == value


def test_the_page_needs_nothing_else_and_runs_only_its_own_script(html):
    assert "default-src 'none'" in html
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", html)
    assert not re.search(r"\son\w+=", html), "no handlers in attributes"
    assert set(re.findall(r'(?:src|href)="([^#"][^"]{0,9})', html)) <= {"data:,", "data:image"}


def test_the_document_is_in_order(html, outline):
    assert html.startswith("<!DOCTYPE html>")
    assert '<html lang="en">' in html
    assert "<title>default: eplb-lab report</title>" in html
    assert len(set(outline.ids)) == len(outline.ids)
    assert set(outline.fors) <= set(outline.ids)
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(outline.headings, outline.headings[1:], strict=False))


def test_the_same_data_give_the_same_bytes(html, frame):
    assert page.render(report_of(frame)) == html


def test_every_number_of_the_table_is_on_the_page(data, outline):
    texts = {text.replace(page.NO_BREAK, " ") for text in outline.texts}
    for panel in data["panels"]:
        for entry in panel["rows"]:
            assert set(filter(None, entry["cells"])) <= texts


def test_a_page_without_plots_says_so(frame):
    good = frame[frame["window"] == 0].assign(time_ratio=np.nan, moved_slots=np.nan)
    html = page.render(report_of(good))
    assert "Neither time nor moved slots were measured" in html
    alone = frame[frame["variant"] == "deepseek"]
    assert "nothing to compare it with" in page.render(report_of(alone))


@pytest.mark.parametrize(
    ("text", "key"),
    [("-", ""), ("0.8870", "0.8870"), ("+0.0002 [-0.1, +0.2]", "+0.0002"), ("80%", "80"), ("no difference", None),
     ("1.02 [0.98, 1.02] ~", "1.02"), ("1e+03", "1e+03")],
)  # fmt: skip
def test_cells_are_sorted_by_the_number_that_they_begin_with(text, key):
    assert page.sort_key(text) == (text if key is None else key)


@pytest.mark.parametrize(
    ("text", "tone"),
    [("0.9 [0.8, 0.9] faster !", "good"),
     ("better", "good"), ("worse", "bad"), ("no difference", ""), ("1.15 [1.13, 1.17] slower", "bad"), ("-", ""),
     ("0.9 [0.8, 0.9] faster (not alone on the machine)", "good"), ("too few to say", "")],
)  # fmt: skip
def test_verdicts_are_coloured_as_on_a_terminal(text, tone):
    assert page.tone(text) == tone


def test_an_interval_is_never_broken():
    assert page.unbroken("2.88 [1.35, 3.92] slower") == "2.88 [1.35,\N{NO-BREAK SPACE}3.92] slower"


def test_a_figure_stands_at_the_top(html):
    """Before any table, and with every variant but the reference."""
    top = html[: html.index("<table")]
    assert top.count('<figure class="headline') == 1
    names = re.findall(r'<span class="name">(.*?)</span>', top)
    assert len(names) == 3
    assert "deepseek" not in names


def test_a_variant_has_the_colour_that_it_has_in_plots_and_the_reference_that_of_text(html):
    assert f'<li style="color:{colour_of("contiguous")}"><span class="name">contiguous</span>' in html
    assert f'<span class="swatch" style="color:{colour_of("seed_parent")}"></span>seed_parent</th>' in html
    assert '<span class="swatch" style="color:var(--text)"></span>deepseek</th>' in html


def test_trust_in_the_times_stands_with_them(html):
    after = html[html.index("Placement time:") :]
    assert "Trust in the times:" in after[: after.index("<table")]
    assert "deepseek beside itself took" in after


@pytest.mark.long
def test_a_hundred_thousand_rows_are_a_page_of_few_megabytes(monkeypatch):
    """Ten workloads of a thousand windows for ten variants; intervals are not what is measured here."""
    monkeypatch.setattr(statistics, "RESAMPLES", 20)
    draw = np.random.default_rng(0)
    frame = pd.MultiIndex.from_product(
        [[f"w{n}" for n in range(10)], [f"v{n}" for n in range(10)], range(1000)],
        names=["workload", "variant", "window"],
    ).to_frame(index=False)
    frame = frame.reindex(columns=["run", *ARROW.names]).assign(status="ok", topology="adrs", run="big")
    frame = frame.assign(cell=frame["workload"] + frame["variant"], workload_content=frame["workload"], interval=1)
    frame = frame.assign(seed=0, num_layers=58, num_gpus=32, num_windows=1000)
    for name in ("balancedness_gpu_own", "balancedness_gpu_next", "moved_slots", "time_ratio", "place_seconds"):
        frame[name] = draw.uniform(0.5, 1, len(frame))
    pictured = (frame["window"] == 998).to_numpy()
    for name in ("gpu_load", "gpu_load_contiguous"):
        maps = iter(draw.gamma(9, 1 / 9, (pictured.sum(), 58 * 32)).astype(np.float32))
        frame[name] = [next(maps) if there else None for there in pictured]
    html = page.render(report_of(frame, "v0"))
    assert "100,000 rows" in html
    assert html.count("<img ") == 110
    assert len(html) < 4_000_000


def test_a_page_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "report.html"
    page.write("one", path)
    page.write("two", path)
    assert path.read_text() == "two"
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    for place in (path / "below.html", path.parent):
        with pytest.raises(EplbError, match="the report cannot be written to"):
            page.write("three", place)
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def test_many_variants_fold_and_become_the_rows_of_the_matrix(frame):
    """A sweep of many settings: the verdict stays readable, and names stand beside rows, not above columns."""
    one = frame[frame["variant"] == "contiguous"]
    more = [one.assign(variant=f"contiguous[{n}]", cell=one["cell"] + str(n)) for n in range(8)]
    many = report_of(pd.concat([frame, *more]), "seed_parent")
    html = page.render(many)
    assert "variants, best first</summary>" in html
    matrix = html[html.index('id="by-workload"') :]
    rows = re.findall(r'<th scope="row" data-key="([^"]*)"', matrix[: matrix.index("</table>")])
    assert len(rows) == len(many["matrix"]["variants"]) > 6
    assert "contiguous[3]" in rows
