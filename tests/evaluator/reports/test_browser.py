"""The page in Chromium: nothing but the file is loaded, and all of it works without a mouse.

What the mouse and the system's settings do reaches the page with its next frame: ``expect`` waits for it.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
FOCUSED = """(() => {
  const e = document.activeElement;
  return e.id || (e.matches('.sort, .copy, .lines, .map, .point') ? e.classList[0] : e.type || e.tagName);
})()"""
"""What has the focus, in a word."""
TABLE = ".panel >> nth=0 >> table >> nth=0"


def column(page, title):
    """Return the texts below a header, of the rows that are seen."""
    number = page.locator(f"{TABLE} >> thead th").all_inner_texts().index(title)
    rows = page.locator(f"{TABLE} >> tbody tr:visible")
    return [rows.nth(i).locator("th, td").nth(number).inner_text() for i in range(rows.count())]


def header(page, title):
    return page.locator(f"{TABLE} >> thead th", has=page.get_by_role("button", name=title, exact=True))


def test_headers_sort_by_mouse_and_by_keyboard(page):
    own = header(page, "own")
    own.get_by_role("button").click()
    assert own.get_attribute("aria-sort") == "descending"
    values = [float(text) for text in column(page, "own")]
    assert values == sorted(values, reverse=True)
    own.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert own.get_attribute("aria-sort") == "ascending"
    assert [float(text) for text in column(page, "own")] == sorted(values)
    difference = header(page, "vs deepseek")
    difference.get_by_role("button").focus()
    page.keyboard.press("Space")
    assert own.get_attribute("aria-sort") == "none"
    assert column(page, "vs deepseek")[-1] == "-", "what is missing stays last"
    page.keyboard.press("Space")
    assert column(page, "vs deepseek")[-1] == "-"
    assert page.locator(f"{TABLE} >> [aria-sort=ascending]").count() == 1


def test_the_filter_keeps_the_rows_with_all_words(page):
    box = page.locator(".panel >> nth=0").get_by_label("Filter")
    box.fill("worse CONTIG")
    assert column(page, "variant") == ["contiguous"]
    assert page.locator(".panel >> nth=0 >> .filter [role=status]").inner_text() == "1 of 4 variants"
    box.fill("")
    assert len(column(page, "variant")) == 4
    matrix = page.locator("section", has=page.locator("#by-workload"))
    matrix.get_by_label("Filter").fill("mild")
    assert matrix.locator("tbody tr:visible").count() == 1


def test_a_point_tells_its_exact_values_to_the_mouse_and_to_the_keyboard(page, data):
    tip = page.locator("#tip")
    point = page.locator("#panel-1-pareto svg.only-time .point", has_text="contiguous")
    point.locator(".mark").hover()
    (mean,) = (row["mean"] for row in data["panels"][1]["rows"] if row["summary"]["variant"] == "contiguous")
    expect(tip).to_contain_text(f"balancedness {mean['value']:.6f} [{mean['low']:.6f}, {mean['high']:.6f}]")
    expect(tip).to_contain_text("worse")
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    points = page.locator("#panel-1-pareto svg.only-time .point")
    points.first.focus()
    said = [tip.inner_text()]
    for _ in range(points.count() - 1):
        page.keyboard.press("ArrowRight")
        said.append(tip.inner_text())
    assert len(set(said)) == 4
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_the_axis_of_the_pareto_plot_is_switched_by_keyboard(page):
    figure = page.locator("#panel-1-pareto")
    assert figure.locator("svg.only-time").is_visible()
    assert figure.locator("svg.only-moved").is_hidden()
    figure.get_by_label("time", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert figure.locator("svg.only-moved").is_visible()
    assert figure.locator("svg.only-time").is_hidden()


def test_the_cursor_goes_along_the_windows(page, data):
    tip = page.locator("#tip")
    line = data["panels"][1]["differences"][0]
    page.locator("#panel-1-lines .lines").first.focus()
    page.keyboard.press("ArrowRight")
    assert "window 1\n" in tip.inner_text()
    assert f"{abs(line['next']['mean'][1]):.6f}" in tip.inner_text()
    page.keyboard.press("End")
    assert "window 11\nnext -" in tip.inner_text()
    page.keyboard.press("PageDown")
    assert data["panels"][1]["differences"][1]["variant"] in tip.inner_text()
    page.keyboard.press("Tab")
    assert tip.is_hidden()
    box = page.locator("#panel-1-lines .lines svg").first
    box.hover()
    expect(tip).to_contain_text(re.compile(r"window \d"))
    page.locator("#panel-1-lines").get_by_label("own").check()
    assert page.locator("#panel-1-lines .only-next").first.is_hidden()


def test_cells_of_a_heat_map_tell_their_load(page, frame, data):
    name = data["panels"][1]["heat"]["maps"][1]["name"]
    part = frame[(frame["variant"] == name) & frame["gpu_load"].notna() & frame["workload"].str.startswith("dsr1")]
    page.locator(".map").nth(1).focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    load = part["gpu_load"].iloc[0][32 + 2]
    text = page.locator("#tip").inner_text()
    assert "layer 1, GPU 2" in text
    assert abs(float(re.search(r"([\d.]+) . mean", text)[1]) - load) < 2e-3


def test_everything_can_be_reached_by_tab_alone(page):
    """Skip link, theme, filters, sorting, switches, plots, copying: Tab comes by all of them and ends."""
    seen = []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(300):
        seen.append(page.evaluate(FOCUSED))
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
    else:
        pytest.fail("Tab does not come to an end")
    assert {"theme", "filter-panel-0", "sort", "copy", "lines", "map", "point", "radio", "SUMMARY"} <= set(seen)
    page.locator(".panel details summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".panel details").first.get_attribute("open") is not None


def test_dark_and_light_follow_the_system_and_the_button(page):
    def ground():
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light = ground()
    page.emulate_media(color_scheme="dark")
    dark = ground()
    assert light != dark
    button = page.locator("#theme")
    expect(button).to_have_text("Light page")
    button.focus()
    page.keyboard.press("Enter")
    assert ground() == light
    expect(button).to_have_text("Dark page")
    page.keyboard.press("Enter")
    assert ground() == dark


def test_paper_is_light_has_no_controls_and_all_plots(page, tmp_path):
    page.emulate_media(color_scheme="dark")
    page.locator("#theme").click()
    page.locator("#theme").click()
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for control in ("#theme", ".filter", ".choice", ".copy", "nav"):
        assert page.locator(control).first.is_hidden(), control
    assert page.locator("#panel-1-pareto svg.only-time").is_visible()
    assert page.locator("#panel-1-pareto svg.only-moved").is_visible()
    assert page.locator("table").first.is_visible()
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_a_command_is_copied(page):
    block = page.locator(".command").first
    block.get_by_role("button").click()
    block.get_by_text(re.compile("Copied|Selected")).wait_for()
    assert block.locator("code").inner_text() == "eplb report runs/default --reference=deepseek"


def test_a_name_that_is_a_script_stays_a_name(page):
    assert page.title() == "default: eplb-lab report"
    assert page.locator("th", has_text="document.title").first.is_visible()


def test_the_page_is_read_without_scripts(page, chromium):
    assert page.locator("html.scripted").count() == 1
    page.evaluate("document.documentElement.classList.remove('scripted')")
    for control in ("#theme", ".filter", ".choice", ".copy"):
        assert page.locator(control).first.is_hidden()
    assert page.locator(f"{TABLE} >> tbody tr").count() == 4
    assert page.locator("#panel-1-pareto svg.only-time .mark").count() == 4


def test_nothing_is_scrolled_sideways(page):
    """Neither the page nor a table in it, when all that is folded is open."""
    page.set_viewport_size({"width": 1400, "height": 900})
    page.evaluate("document.querySelectorAll('details').forEach((block) => { block.open = true; })")
    wider = page.evaluate("""[document.documentElement, ...document.querySelectorAll('.scroll, pre')]
        .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.ariaLabel ?? e.tagName)""")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert wider == []


def test_no_name_in_the_figure_at_the_top_is_broken_within_a_word(page):
    """Names without a comma or a bracket stand in one line."""
    names = page.locator(".headline .name")
    for number in range(names.count()):
        if not re.search(r"[\[,<]", names.nth(number).inner_text()):
            assert names.nth(number).bounding_box()["height"] < 24
    assert names.count() == 3
