from __future__ import annotations

import csv
import json
import re

import pandas as pd
import pytest

from eplb_variants import EplbError
from evaluator.analysis.comparison import comparison_of
from evaluator.analysis.score import Score
from evaluator.shown.exports import (
    document,
    latex_escaped,
    markdown_escaped,
    summaries_frame,
    to_latex,
    to_markdown,
    write_csv,
    write_latex,
)
from evaluator.shown.grid import Grid
from evaluator.shown.rendering import grids_of

SCORE = Score("s", "", "balancedness_gpu_next", "")


@pytest.fixture
def comparison(many):
    return comparison_of(many, "base", SCORE)


def test_csv_is_read_back_as_it_was(comparison, tmp_path):
    frame = summaries_frame(comparison)
    assert len(frame) == 6 * 3
    assert frame["iqm"].notna().sum() == 3, "aggregates stand with all workloads together"
    frame.loc[0, "load"] = odd = 'w[a=1,b="x"]\non t, 100%'
    write_csv(frame, tmp_path / "a.csv")
    lines = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines(keepends=True)))
    assert lines[0]["load"] == odd
    assert len(lines) == len(frame)
    assert float(lines[1]["difference"]) == frame.loc[1, "difference"]
    assert lines[0]["iqm"] == ""


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path):
    with pytest.raises(EplbError, match="no/a.csv' cannot be written: No such file"):
        write_csv(pd.DataFrame(), tmp_path / "no" / "a.csv")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("seed_parent[k=1]", r"seed\_parent[k=1]"),
        (
            r"100% & #1 $x^2$ {a} ~ \b",
            r"100\% \& \#1 \$x\textasciicircum{}2\$ \{a\} \textasciitilde{} \textbackslash{}b",
        ),
        ("-0.01 [-0.02, +0.00]", "$-$0.01 [$-$0.02, +0.00]"),
        ("co-located 0-3 x-1", "co-located 0-3 x-1"),
        ("<a|b>", r"\textless{}a\textbar{}b\textgreater{}"),
    ],
)
def test_latex_is_read_as_the_text(text, escaped):
    assert latex_escaped(text) == escaped


def test_a_latex_table_is_whole():
    grid = Grid("a_b", ["variant", "x & y"], [["[odd]", "-"], ["* b", "1%"]], frozenset({"variant"}), "of 5%")
    lines = to_latex(grid).splitlines()
    assert r"  \caption{a\_b: of 5\%.}" in lines
    assert r"  \begin{tabular}{lr}" in lines
    assert r"    variant & x \& y \\" in lines
    assert r"    {}[odd] & -- \\" in lines, "after the end of a line a bracket would be its argument"
    assert r"    {}* b & 1\% \\" in lines
    assert [line.strip() for line in lines if "rule" in line] == [r"\toprule", r"\midrule", r"\bottomrule"]


def test_a_markdown_table_is_whole():
    grid = Grid("a_b", ["variant", "x|y"], [["[odd]", "-"], ["* b", "1%"]], frozenset({"variant"}), "of <5>\nand *")
    assert to_markdown(grid).splitlines() == [
        r"**a\_b**",
        "",
        r"| variant | x\|y |",
        "| :-- | --: |",
        r"| \[odd\] | - |",
        r"| \* b | 1% |",
        "",
        r"of \<5\> and \*",
    ]
    assert markdown_escaped("a`b\\") == r"a\`b\\"


def test_every_table_is_written_as_latex(comparison, tmp_path):
    grids = grids_of(comparison, "s", 110)
    write_latex(grids, tmp_path / "a.tex")
    text = (tmp_path / "a.tex").read_text()
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == 7
    for body in re.findall(r"begin{tabular}{([lr]+)}\n(.*?)\\bottomrule", text, re.DOTALL):
        lines = [line for line in body[1].splitlines() if line.endswith(r"\\")]
        assert len(lines) == 4
        assert {len(re.findall(r"(?<!\\)&", line)) + 1 for line in lines} == {len(body[0])}


def test_what_is_left_out_of_a_latex_table_is_said(comparison):
    narrow = grids_of(comparison, "s", 80)[0]
    assert f"left out: {', '.join(narrow.left_out)}" in to_latex(narrow)
    assert "terminal" not in to_latex(narrow), "paper has no terminal"
    assert "\n" not in to_latex(narrow).partition("caption")[2].partition("}")[0]


def test_the_document_is_json_and_says_it_all(comparison, many):
    failed = many.head(1).assign(status="failed", reason="crashed")
    found = json.loads(json.dumps(document(comparison, "s", failed), allow_nan=False))
    assert found["schema_version"] == 1
    assert list(found["summaries"]) == [f"w{n} on t" for n in range(5)]
    line = found["summaries"]["w0 on t"]["variants"][0]
    assert line["variant"] == "up"
    assert line["rank"] == 1
    assert line["time_ratio"] is None
    assert [row["variant"] for row in found["overall"]["aggregates"]] == ["up", "base", "down"]
    assert found["fronts"]["all 5 workloads and topologies"] == ["up"]
    assert found["failed"] == [
        {"variant": "base", "workload": "w0", "topology": "t", "seed": 0, "status": "failed", "reason": "crashed"}
    ]


def test_where_the_reference_is_missing_there_is_no_summary(many, rows):
    found = comparison_of(pd.concat([many, pd.DataFrame(rows("up", [0.1] * 9, "other"))]), "base", SCORE)
    assert list(found.without_reference) == ["other on t"]
    assert len(found.parts) == 5
    with pytest.raises(EplbError, match="no measured variant 'bse'"):
        comparison_of(many, "bse", SCORE)


def test_one_workload_has_no_aggregates(many):
    found = comparison_of(many[many["workload"] == "w0"], "base", SCORE)
    assert found.aggregates is None
    assert found.tables == [found.overall]
