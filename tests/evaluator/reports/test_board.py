"""The board in Chromium: it sorts and filters, its marks tell their values, and it is no wider than the window."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from evaluator.board.judging import How, judged
from evaluator.board.page import COLUMNS, write_board
from evaluator.board.shipped import shipped_entries

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """Return the file of a board of shipped variants."""
    folder = tmp_path_factory.mktemp("board")
    entries = shipped_entries(["deepseek", "contiguous", "lab_still", "lab_best", "ultraep"])
    how = How(folder=folder, measure="quality")
    return write_board(judged(entries, how), how, folder)[0]


@pytest.fixture
def page(board, chromium):
    """Return a page with the board; a message of the browser's fails the test."""
    opened, said = chromium.new_page(), []
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("console", lambda message: said.append(message.text))
    opened.goto(board.as_uri())
    yield opened
    opened.close()
    assert said == []


def texts(page, number):
    return [
        row.locator("th, td").nth(number).inner_text().strip()
        for row in page.locator("tbody >> nth=0 >> tr:visible").all()
    ]


def test_it_sorts_and_filters(page):
    titles = [text.strip() for text in page.locator("thead >> nth=0 >> th").all_inner_texts()]
    assert "per step" in COLUMNS
    assert "per step" not in titles, "a column that says nothing is left out"
    own = titles.index("own")
    page.get_by_role("button", name="own", exact=True).click()
    values = list(map(float, texts(page, own)))
    assert values == sorted(values, reverse=True)
    page.get_by_label("Filter").fill("lab_")
    assert sorted(texts(page, 0)) == ["lab_best", "lab_still"]
    expect(page.locator(".filter [role=status]")).to_have_text("2 of 5 entries")


def test_a_mark_tells_its_values_to_the_keyboard(page):
    page.locator(".pareto .point").first.focus()
    expect(page.locator("#tip")).to_contain_text("next: ")
    before = page.locator("#tip").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("#tip").inner_text() != before


@pytest.mark.parametrize("width", [400, 1400])
def test_it_is_no_wider_than_the_window(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
