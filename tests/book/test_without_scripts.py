"""Every page as it is without JavaScript, and on paper."""

from __future__ import annotations

import re

import pytest

from tests.book.conftest import toc_pages

PAGES = toc_pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_reads_well_without_javascript(visit, addresses, name):
    page = visit(f"{addresses['http']}/{name}.html", java_script_enabled=False).page
    article = page.locator("article")
    for heading in article.locator("h1, h2, h3").all():
        assert heading.is_visible()
    prose = [
        text
        for text in article.locator("p:visible, li:visible, td:visible").all_inner_texts()
        if text.strip()
    ]
    assert sum(map(len, prose)) > 1500
    # Code is code; in the rest neither a dollar formula nor a TeX command is left.
    raw = [text for text in prose if re.search(r"\\(frac|sqrt|text|mathrm|log)|\$[^$]+\$", text)]
    assert raw == []
    for figure in article.locator("[data-live-figure]").all():
        assert "needs JavaScript" in figure.inner_text()
    for frame in page.frames[1:]:
        assert "needs JavaScript" in frame.locator("body").inner_text()


@pytest.mark.parametrize("name", [PAGES[0], "notebooks/05_attention", "notebooks/07_multi_head"])
def test_on_paper_nothing_is_split_hidden_at_the_side_or_dark(visit, addresses, name):
    page = visit(f"{addresses['file']}/{name}.html", color_scheme="dark").page
    page.emulate_media(media="print", color_scheme="dark")
    split = page.evaluate(
        """() => [...document.querySelectorAll(
             "div.cell_input, .output, .tl-live, .tl-figure, .tl-bertviz, .tl-formula, table, pre")]
           .filter(e => e.closest("article") && e.checkVisibility())
           .filter(e => getComputedStyle(e).breakInside !== "avoid").map(e => e.className)"""
    )
    assert split == []
    for beside in ("#pst-primary-sidebar", "#pst-secondary-sidebar", ".bd-header-article"):
        assert page.locator(beside).locator("visible=true").count() == 0, beside
    before = page.evaluate("document.documentElement.dataset.theme")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == before == "dark"
