"""From what a report says to one HTML file that needs nothing else.

Plots are SVG that is made here, and a few hundred lines of plain JavaScript sort, filter, point and switch. Plotly 7
was weighed against it: its script alone has over four megabytes, to be parsed before the first plot is seen; its points
cannot be reached by keyboard; and its colours are fixed when a plot is drawn, so that a dark page prints dark. What is
made here is read without any script, prints as it stands and follows the page's colours. Templates are Jinja's, whose
autoescaping is what keeps names of variants text; PyTorch needs Jinja anyway.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from eplb_variants.errors import EplbError
from evaluator.analysis.statistics import BETTER, SAME, WORSE
from evaluator.files import write_whole
from evaluator.reports.headline import headline, limits_of
from evaluator.reports.lines import small_multiples
from evaluator.reports.scatter import scatter
from evaluator.reports.trust import trust
from evaluator.shown.style import colour_of
from evaluator.shown.words import BAD, GOOD, MARKS, MARKS_MEAN, shortened
from evaluator.shown.words import tone as colour_of_words

NO_BREAK = "\N{NO-BREAK SPACE}"
TONES = {GOOD: "good", BAD: "bad"}
LEADING_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?")
FOR_SCRIPT = str.maketrans(
    {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }  # "</script>" ends no data
)
SHAPES = {BETTER: "up", WORSE: "down", SAME: "circle"}


def render(data: dict[str, Any]) -> str:
    """Return the page for what ``report_data`` says; the same data give the same bytes."""
    panels = data["panels"]
    titles, shared = shortened([row["title"] for row in data["matrix"]["rows"]]) if data["matrix"] else ([], "")
    return filled(
        "report.html",
        data["reference"],
        _for_the_script(data),
        data=data,
        name=", ".join(Path(run).name or run for run in data["runs"]),
        panels=[panel | _pictures(panel, data) for panel in panels],
        headline=headline([entry["summary"] for entry in panels[0].get("rows", ())], data["reference"]),
        trust=trust(data),
        titles=titles,
        shared=shared,
        marks=MARKS_MEAN,
    )


def filled(template: str, reference: str, for_the_script: dict[str, Any], **values: Any) -> str:
    """Return a page made of a template, with its script and style in it.

    Args:
        template: its file among the assets.
        reference: variant that has no colour of its own.
        for_the_script: ``panels``, and what more the script reads.
        values: that the template names.
    """
    script, style = (_asset(name) for name in ("report.js", "report.css"))
    environment = Environment(
        loader=PackageLoader("evaluator.reports", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "tone": tone,
        "pretty": pretty,
        "sort_key": sort_key,
        "count_of": count_of,
        "breakable": breakable,
        "unbroken": unbroken,
        "mark": lambda verdict: MARKS.get(verdict, ""),
        "colour": lambda name: "var(--text)" if name == reference else colour_of(name),
    }
    return environment.get_template(template).render(
        **values,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=style,
        embedded=embedded(for_the_script),
    )


def write(html: str, path: Path) -> None:
    """Write a page under a temporary name, then rename: a reader sees all of it or what was there before.

    Raises:
        EplbError: it cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, html)
    except OSError as error:
        raise EplbError(f"the report cannot be written to {str(path)!r}: {error.strerror}") from None


def embedded(value: Any) -> str:
    """Return JSON that can stand in a script element whatever is in it."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).translate(FOR_SCRIPT)


def pretty(value: Any) -> str:
    """Return JSON to be read by people."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


def tone(text: str) -> str:
    """Return the class of a verdict: the same words are coloured as on a terminal."""
    return TONES.get(colour_of_words(text) or "", "")


def breakable(name: str) -> Markup:
    """Return a name, escaped, that is broken after a comma or a bracket where it has to be."""
    return Markup(re.sub(r"([,\[])", r"\1<wbr>", str(escape(name))))


def unbroken(text: str) -> str:
    """Return the text of a cell, so that it is broken before and after an interval at most."""
    return re.sub(r"\[[^\]]*\]", lambda found: found.group().replace(" ", NO_BREAK), text)


def count_of(number: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else many}"


def sort_key(text: str) -> str:
    """Return what a cell is sorted by: the number that it begins with; empty for a dash, itself for words."""
    if text == "-":
        return ""
    number = LEADING_NUMBER.match(text)
    return number.group() if number else text


def _asset(name: str) -> str:
    return resources.files("evaluator.reports").joinpath("assets", name).read_text(encoding="utf-8")


def _for_the_script(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data without what is in the page already as pictures."""
    panels = []
    for panel in data["panels"]:
        maps = [{k: v for k, v in drawn.items() if k != "png"} for drawn in panel.get("heat", {}).get("maps", ())]
        panels.append(panel | ({"heat": panel["heat"] | {"maps": maps}} if maps else {}))
    return data | {"panels": panels}


def _pictures(panel: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """Return the plots of a panel, as geometry."""
    points = [
        _point(entry, data["reference"], panel) for entry in panel.get("rows", ()) if entry["summary"]["complete"]
    ]
    points = [point for point in points if point["y"] is not None]  # of what has windows with the reference
    timed = [_on(point, "time") for point in points if point["time"][0] is not None]
    moved = [_on(point, "moved") for point in points if point["moved"][0] is not None]
    ends = limits_of([entry["summary"] for entry in panel.get("rows", ())], data["reference"])
    plots = []
    if timed:
        beside = panel["time_reference"] or "the time reference"
        plots.append(("time", f"placement time / that of {beside}", scatter(timed, ends, log=True, form=_ratio)))
    if moved:
        plots.append(("moved", "slots moved per placement", scatter(moved, ends, log=False, form="{:.3g}".format)))
    series = panel.get("differences")
    return {"plots": plots, "left_out": _left_out(panel), "lines": small_multiples(series) if series else None}


def _left_out(panel: dict[str, Any]) -> list[str]:
    return [entry["summary"]["variant"] for entry in panel.get("rows", ()) if not entry["summary"]["complete"]]


def _ratio(value: float) -> str:
    return f"{value:.3g}x"


def _point(entry: dict[str, Any], reference: str, panel: dict[str, Any]) -> dict[str, Any]:
    row, mean = entry["summary"], entry["mean"]
    is_reference = row["variant"] == reference
    verdict = "reference" if is_reference else row["verdict"]
    named = list(zip(panel["columns"], entry["cells"], strict=True))[
        2:
    ]  # the first two stand above, the second exactly
    facts = [f"{title}: {text}" for title, text in named if title != "verdict" and text != "-"]
    exact = f"balancedness {mean['value']:.6f}"
    if mean["low"] is not None:
        exact += f" [{mean['low']:.6f}, {mean['high']:.6f}]"
    front = "on the front" if entry["on_front"] else "not on the front"
    return {
        "label": row["variant"],
        "shape": "square" if is_reference else SHAPES.get(verdict, "circle"),
        "tone": "reference" if is_reference else tone(verdict),
        "front": entry["on_front"],
        "tip": "\n".join([row["variant"], f"{verdict}; {front}", exact, *facts]),
        "y": row["difference"],
        "y_low": row["difference_low"],
        "y_high": row["difference_high"],
        "time": (row["time_ratio"], row["time_ratio_low"], row["time_ratio_high"]),
        "moved": (row["moved_slots"], None, None),
        "size": row["moved_slots"],
    }


def _on(point: dict[str, Any], name: str) -> dict[str, Any]:
    x, low, high = point[name]
    return point | {"x": x, "x_low": low, "x_high": high, "size": point["size"] if name == "time" else 0.2}
